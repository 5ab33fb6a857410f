#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/engine/destination.h"

namespace postrider::engine {

/// Where the mail of an account goes: to each of these destinations, to every recipient. Each has
/// its own verdicts and its own trouble; one that is down keeps nothing from the others.
class Route {
  public:
    /// One destination alone.
    Route(Destination& only) : destinations_{&only} {}  // NOLINT(google-explicit-constructor)

    /// At least one. `bounces` is where those who sent what was refused are told, if they are.
    explicit Route(std::vector<Destination*> destinations, Destination* bounces = nullptr)
        : destinations_(std::move(destinations)), bounces_(bounces) {}

    [[nodiscard]] const std::vector<Destination*>& destinations() const { return destinations_; }
    [[nodiscard]] bool is_single() const { return destinations_.size() == 1; }
    [[nodiscard]] Destination* bounces() const { return bounces_; }

    /// Why nothing may be fetched now, if so: every one is closed. Of the first.
    [[nodiscard]] std::optional<Error> closed(MonotonicTime now) const;
    [[nodiscard]] bool is_any_closed(MonotonicTime now) const;

    /// When the first of them is looked at again; nothing while all are stopped.
    [[nodiscard]] std::optional<MonotonicTime> opens_at() const;

  private:
    std::vector<Destination*> destinations_;
    Destination* bounces_ = nullptr;
};

}  // namespace postrider::engine
