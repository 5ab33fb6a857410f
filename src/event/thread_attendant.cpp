#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "postrider/event/attendant.h"

#include "event/start_thread.h"

namespace postrider::event {
namespace {

class ThreadAttendant final : public Attendant {
  public:
    explicit ThreadAttendant(std::function<void()> turn) : turn_(std::move(turn)) {
        thread_ = start_thread([this] { serve(); });
    }
    ThreadAttendant(const ThreadAttendant&) = delete;
    ThreadAttendant& operator=(const ThreadAttendant&) = delete;
    ~ThreadAttendant() override { end(); }

    void wake() override { wake_at(Clock::time_point::min()); }
    void wake_within(Duration delay) override {
        wake_at(Clock::now() + std::chrono::duration_cast<Clock::duration>(delay));
    }
    void finish() override { end(); }

  private:
    using Clock = std::chrono::steady_clock;

    void wake_at(Clock::time_point when) {
        {
            const std::lock_guard lock(mutex_);
            if (due_ && *due_ <= when) {
                return;  // it will be awake by then: no need to wake the thread once more
            }
            due_ = when;
        }
        changed_.notify_one();
    }

    void end() {
        if (!thread_.joinable()) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            wait_for_a_turn(lock);
            if (!due_) {
                return;
            }
            due_.reset();
            lock.unlock();
            turn_();
            lock.lock();
        }
    }

    /// Until a turn is due; at the end at once, whether one was asked for or not.
    void wait_for_a_turn(std::unique_lock<std::mutex>& lock) {
        while (!ending_) {
            if (!due_) {
                changed_.wait(lock);
            } else if (*due_ == Clock::time_point::min() || *due_ <= Clock::now()) {
                return;
            } else {
                const Clock::time_point until = *due_;  // which may change while we wait
                changed_.wait_until(lock, until);
            }
        }
    }

    const std::function<void()> turn_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Clock::time_point> due_;  ///< guarded by mutex_; of the turn asked for
    bool ending_ = false;                   ///< guarded by mutex_
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Attendant> make_thread_attendant(std::function<void()> turn) {
    return std::make_unique<ThreadAttendant>(std::move(turn));
}

}  // namespace postrider::event
