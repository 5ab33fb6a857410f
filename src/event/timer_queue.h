#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "postrider/base/time.h"
#include "postrider/event/loop.h"

namespace postrider::event {

/// The timers of one loop in the order in which they are due; equal deadlines fire in the order of
/// their arming. Both loops, the real one and the simulated one, share it, so that the order seen
/// in tests is the order of the program. It must outlive its timers.
class TimerQueue {
  public:
    /// `now` answers for the loop.
    explicit TimerQueue(std::function<MonotonicTime()> now) : now_(std::move(now)) {}
    TimerQueue(const TimerQueue&) = delete;
    TimerQueue& operator=(const TimerQueue&) = delete;
    ~TimerQueue();

    [[nodiscard]] std::unique_ptr<Timer> make_timer(std::function<void()> on_fire);

    [[nodiscard]] std::optional<MonotonicTime> earliest() const;

    /// Timers armed from now on belong to a later turn: fire_due(barrier) leaves them alone. That
    /// is what makes a timer of zero fire on the *next* turn.
    [[nodiscard]] std::uint64_t barrier() const { return next_serial_; }

    /// Fires what is due at `now` and was armed before `barrier`.
    void fire_due(MonotonicTime now, std::uint64_t barrier);

  private:
    class QueuedTimer;

    struct Entry {
        MonotonicTime when;
        std::uint64_t serial = 0;
        QueuedTimer* timer = nullptr;

        bool operator<(const Entry& other) const {
            return when != other.when ? when < other.when : serial < other.serial;
        }
    };

    std::function<MonotonicTime()> now_;
    std::set<Entry> entries_;
    std::uint64_t next_serial_ = 0;
};

}  // namespace postrider::event
