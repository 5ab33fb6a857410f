#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "postrider/config/config.h"
#include "postrider/engine/destination.h"
#include "postrider/engine/route.h"
#include "postrider/event/loop.h"
#include "postrider/sink/sink.h"

#include "app/metrics/timed_sink.h"

namespace postrider::app {

/// A destination with the sink it guards.
struct Outlet {
    /// `loop` outlives it.
    Outlet(event::Loop& loop, const std::string& name, std::unique_ptr<sink::MailSink> its_sink,
           std::uint64_t seed, engine::OnAmbiguous on_ambiguous = engine::OnAmbiguous::redeliver)
        : sink(loop, std::move(its_sink)), destination(name, sink, seed, on_ambiguous) {}

    TimedSink sink;
    engine::Destination destination;
};

/// The outlets that one account uses. Owners of each: the assembly, and the polls that deliver
/// there.
class Outlets {
  public:
    using Find = std::function<std::shared_ptr<Outlet>(const std::string& destination)>;

    Outlets(const config::AccountConfig& account, const Find& find) {
        for (const std::string& name : account.deliver_to) {
            destinations_.push_back(find(name));
        }
        if (!account.bounce_via.empty()) {
            bounces_ = find(account.bounce_via);
        }
    }

    [[nodiscard]] engine::Route route() const {
        std::vector<engine::Destination*> destinations;
        for (const std::shared_ptr<Outlet>& outlet : destinations_) {
            destinations.push_back(&outlet->destination);
        }
        return engine::Route(std::move(destinations),
                             bounces_ != nullptr ? &bounces_->destination : nullptr);
    }

  private:
    std::vector<std::shared_ptr<Outlet>> destinations_;
    std::shared_ptr<Outlet> bounces_;
};

}  // namespace postrider::app
