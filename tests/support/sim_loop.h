#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "postrider/event/loop.h"

#include "event/timer_queue.h"

namespace postrider::test {

/// The loop in virtual time: nothing waits, every run of a test is the same run. Time stands still
/// while work runs and jumps to the next timer when nothing else is to be done. It has no
/// descriptors and no signals.
class SimLoop final : public event::Loop {
  public:
    SimLoop();
    SimLoop(const SimLoop&) = delete;
    SimLoop& operator=(const SimLoop&) = delete;
    ~SimLoop() override;

    /// Moves time on by `duration`, running all that falls due on the way, in order.
    void advance(Duration duration);

    /// Runs all that is due now, and what follows from it, without moving time.
    void run_until_idle();

    /// Moves time on until `predicate` holds (looked at after every turn) or `limit` has passed;
    /// says whether it holds.
    bool run_until(const std::function<bool()>& predicate, Duration limit = std::chrono::hours(1));

    /// Sets the calendar; it goes on from there with virtual time. Monotonic time does not notice.
    void set_wall_time(WallTime time);

    /// Is work queued or a timer armed?
    [[nodiscard]] bool has_more() const;

    [[nodiscard]] MonotonicTime now() const override { return now_; }
    [[nodiscard]] WallTime wall_now() const override;
    [[nodiscard]] std::unique_ptr<event::Timer> make_timer(std::function<void()> on_fire) override;
    [[nodiscard]] std::unique_ptr<event::FdWatch> watch_fd(
        int fd, event::Interest interest, std::function<void(event::Readiness)> on_ready) override;
    [[nodiscard]] std::unique_ptr<event::Operation> watch_signal(
        int signal_number, std::function<void()> on_signal) override;
    void defer(std::function<void()> work) override;
    void post(std::function<void()> work) override { defer(std::move(work)); }

    /// Until stop(). A loop in which nothing can ever happen any more is a failure of the test.
    void run() override;
    void stop() override { stopping_ = true; }

  private:
    void run_turn();
    [[nodiscard]] std::vector<std::function<void()>> take_work();

    /// Is something to be done without moving time?
    [[nodiscard]] bool is_due_now() const;

    /// Runs one turn, after a jump to the next timer if need be; false if there is nothing to do
    /// up to `end`.
    bool step(MonotonicTime end);

    MonotonicTime now_;
    WallTime wall_start_;
    MonotonicTime wall_set_at_;
    std::uint64_t turns_without_time_ = 0;
    bool stopping_ = false;
    event::TimerQueue timers_;
    mutable std::mutex mutex_;                 ///< post() may come from another thread
    std::vector<std::function<void()>> work_;  ///< guarded by mutex_
};

}  // namespace postrider::test
