#include "store/group_commit.h"

#include <utility>

#include "postrider/event/signals_blocked.h"

namespace postrider::store {

GroupCommit::GroupCommit(std::function<Expected<void>()> make_durable)
    : make_durable_(std::move(make_durable)) {
    const event::SignalsBlocked inherited_by_the_thread;
    thread_ = std::thread([this] { serve(); });
}

void GroupCommit::finish() {
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

void GroupCommit::written() {
    {
        const std::lock_guard lock(mutex_);
        if (due_) {
            return;
        }
        due_ = Clock::now() + kLongestWait;
    }
    changed_.notify_one();
}

void GroupCommit::wait(std::vector<Waiter> waiters) {
    {
        const std::lock_guard lock(mutex_);
        waiters_.insert(waiters_.end(), std::make_move_iterator(waiters.begin()),
                        std::make_move_iterator(waiters.end()));
    }
    changed_.notify_one();
}

void GroupCommit::fail(const Error& final_failure) {
    const std::lock_guard lock(mutex_);
    if (!failed_) {
        failed_ = final_failure;
    }
}

std::optional<Error> GroupCommit::failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
}

void GroupCommit::serve() {
    std::unique_lock lock(mutex_);
    while (true) {
        const auto must_act = [this] { return ending_ || !waiters_.empty(); };
        if (due_) {
            changed_.wait_until(lock, *due_, must_act);
        } else {
            changed_.wait(lock, [&] { return must_act() || due_; });
            if (due_ && !must_act()) {
                continue;  // gather until it is due
            }
        }
        // Taken before the pass begins: who comes during it may not be covered by it.
        const std::vector<Waiter> waiters = std::exchange(waiters_, {});
        const Expected<void> result = pass(lock);
        lock.unlock();
        for (const Waiter& waiter : waiters) {
            waiter(result);
        }
        lock.lock();
        if (ending_ && waiters_.empty() && !due_) {
            return;
        }
    }
}

Expected<void> GroupCommit::pass(std::unique_lock<std::mutex>& lock) {
    if (failed_) {
        due_.reset();
        return failure(*failed_);
    }
    if (!due_ && !owed_) {
        return {};  // an earlier pass has covered it
    }
    due_.reset();
    lock.unlock();
    Expected<void> result = make_durable_();
    lock.lock();
    owed_ = !result;
    if (!result && result.error().retry == Retry::never && !failed_) {
        failed_ = result.error();
    }
    return result;
}

}  // namespace postrider::store
