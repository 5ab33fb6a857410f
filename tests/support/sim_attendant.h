#pragma once

#include <functional>
#include <memory>

#include "postrider/event/attendant.h"
#include "postrider/event/loop.h"

namespace postrider::test {

/// The attendant without threads: its turns are turns of a loop, each `pace()` after it was woken.
class SimAttendant final : public event::Attendant {
  public:
    using Pace = std::function<Duration()>;

    SimAttendant(event::Loop& loop, Pace pace, std::function<void()> turn);

    void wake() override { wake_within(Duration::zero()); }
    void wake_within(Duration delay) override;
    void finish() override;

  private:
    event::Loop& loop_;
    const Pace pace_;
    const std::function<void()> turn_;
    bool is_over_ = false;
    MonotonicTime due_{};
    std::unique_ptr<event::Timer> timer_;
};

/// What makes them on `loop`, which outlives them.
[[nodiscard]] event::AttendantMaker make_sim_attendants(event::Loop& loop, SimAttendant::Pace pace);

}  // namespace postrider::test
