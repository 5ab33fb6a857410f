#pragma once

#include <cstdint>
#include <memory>

#include "postrider/event/loop.h"
#include "postrider/sink/sink.h"

#include "app/metrics/histogram.h"

namespace postrider::app {

/// What a destination has answered.
struct DeliveryFigures {
    Histogram took;  ///< a message, from when it might be completed to the answer
    // Recipients of messages:
    std::uint64_t accepted = 0;
    std::uint64_t put_off = 0;
    std::uint64_t refused = 0;
    std::uint64_t faults = 0;  ///< it was not the message
};

/// A sink that notes what another one answers, and how soon.
class TimedSink final : public sink::MailSink {
  public:
    /// `loop` outlives it, and its deliveries.
    TimedSink(event::Loop& loop, std::unique_ptr<sink::MailSink> inner);

    [[nodiscard]] std::unique_ptr<sink::Delivery> deliver(
        const mail::Envelope& envelope, std::shared_ptr<const mail::OutgoingMessage> message,
        sink::DeliveryDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> probe(sink::ProbeDone done) override {
        return inner_->probe(std::move(done));
    }

    [[nodiscard]] const DeliveryFigures& figures() const { return figures_; }

  private:
    class Timed;

    void note(const sink::DeliveryReport& report, Duration took);

    event::Loop& loop_;
    DeliveryFigures figures_;
    std::unique_ptr<sink::MailSink> inner_;
};

}  // namespace postrider::app
