#include "event/timer_queue.h"

#include <algorithm>

#include "postrider/base/assert.h"

namespace postrider::event {

class TimerQueue::QueuedTimer final : public Timer {
  public:
    QueuedTimer(TimerQueue& queue, std::function<void()> on_fire)
        : queue_(queue), on_fire_(std::make_shared<std::function<void()>>(std::move(on_fire))) {}
    QueuedTimer(const QueuedTimer&) = delete;
    QueuedTimer& operator=(const QueuedTimer&) = delete;
    ~QueuedTimer() override { disarm(); }

    void arm(Duration after) override {
        disarm();
        when_ = queue_.now_() + std::max(after, Duration::zero());
        serial_ = queue_.next_serial_++;
        queue_.entries_.insert({when_, serial_, this});
        armed_ = true;
    }

    void disarm() override {
        if (armed_) {
            queue_.entries_.erase({when_, serial_, this});
            armed_ = false;
        }
    }

    [[nodiscard]] bool is_armed() const override { return armed_; }

    void fire() {
        disarm();
        // Shared for the time of the call: the callback may destroy this timer, and must not lose
        // its own captures while it runs.
        const auto on_fire = on_fire_;
        (*on_fire)();
    }

  private:
    TimerQueue& queue_;
    std::shared_ptr<std::function<void()>> on_fire_;
    MonotonicTime when_;
    std::uint64_t serial_ = 0;
    bool armed_ = false;
};

TimerQueue::~TimerQueue() {
    POSTRIDER_ASSERT(entries_.empty());
}

std::unique_ptr<Timer> TimerQueue::make_timer(std::function<void()> on_fire) {
    return std::make_unique<QueuedTimer>(*this, std::move(on_fire));
}

std::optional<MonotonicTime> TimerQueue::earliest() const {
    if (entries_.empty()) {
        return std::nullopt;
    }
    return entries_.begin()->when;
}

void TimerQueue::fire_due(MonotonicTime now, std::uint64_t barrier) {
    // What is armed while we fire has when >= now and a higher serial: it sorts behind everything
    // that belongs to this turn, so the first foreign entry ends it.
    while (!entries_.empty()) {
        const Entry first = *entries_.begin();
        if (first.when > now || first.serial >= barrier) {
            return;
        }
        first.timer->fire();
    }
}

}  // namespace postrider::event
