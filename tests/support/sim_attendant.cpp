#include "support/sim_attendant.h"

#include <utility>

namespace postrider::test {

SimAttendant::SimAttendant(event::Loop& loop, Pace pace, std::function<void()> turn)
    : loop_(loop),
      pace_(std::move(pace)),
      turn_(std::move(turn)),
      timer_(loop.make_timer([this] { turn_(); })) {}

void SimAttendant::wake_within(Duration delay) {
    const MonotonicTime due = loop_.now() + delay;
    if (is_over_ || (timer_->is_armed() && due_ <= due)) {
        return;
    }
    due_ = due;
    timer_->arm(delay + pace_());
}

void SimAttendant::finish() {
    while (timer_->is_armed()) {
        timer_->disarm();
        turn_();
    }
    is_over_ = true;
}

event::AttendantMaker make_sim_attendants(event::Loop& loop, SimAttendant::Pace pace) {
    return [&loop, pace = std::move(pace)](std::function<void()> turn) {
        return std::make_unique<SimAttendant>(loop, pace, std::move(turn));
    };
}

}  // namespace postrider::test
