#include "app/metrics/timed_sink.h"

#include <utility>

namespace postrider::app {

/// The delivery that the caller holds: knows when it might be completed.
class TimedSink::Timed final : public sink::Delivery {
  public:
    Timed(TimedSink& owner, sink::DeliveryDone done)
        : owner_(owner), since_(owner.loop_.now()), done_(std::move(done)) {}

    void begin(const mail::Envelope& envelope,
               std::shared_ptr<const mail::OutgoingMessage> message) {
        inner_ = owner_.inner_->deliver(envelope, std::move(message),
                                        [this](sink::DeliveryReport report) {
                                            owner_.note(report, owner_.loop_.now() - since_);
                                            const sink::DeliveryDone done = std::move(done_);
                                            done(std::move(report));
                                        });
    }

    void commit() override {
        if (!std::exchange(is_committed_, true)) {
            since_ = owner_.loop_.now();
        }
        inner_->commit();
    }

  private:
    TimedSink& owner_;
    MonotonicTime since_;
    bool is_committed_ = false;
    sink::DeliveryDone done_;
    std::unique_ptr<sink::Delivery> inner_;
};

TimedSink::TimedSink(event::Loop& loop, std::unique_ptr<sink::MailSink> inner)
    : loop_(loop), inner_(std::move(inner)) {}

std::unique_ptr<sink::Delivery> TimedSink::deliver(
    const mail::Envelope& envelope, std::shared_ptr<const mail::OutgoingMessage> message,
    sink::DeliveryDone done) {
    auto delivery = std::make_unique<Timed>(*this, std::move(done));
    delivery->begin(envelope, std::move(message));
    return delivery;
}

void TimedSink::note(const sink::DeliveryReport& report, Duration took) {
    figures_.took.add(took);
    figures_.faults += report.fault ? 1U : 0U;
    for (const sink::Verdict& verdict : report.verdicts) {
        switch (verdict.outcome) {
            case sink::Outcome::delivered:
                ++figures_.accepted;
                break;
            case sink::Outcome::later:
            case sink::Outcome::ambiguous:
                ++figures_.put_off;
                break;
            case sink::Outcome::refused:
                ++figures_.refused;
                break;
        }
    }
}

}  // namespace postrider::app
