#include "store/group_commit.h"

#include <utility>

#include "postrider/base/planted.h"

namespace postrider::store {

GroupCommit::GroupCommit(std::function<Expected<void>()> make_durable,
                         const event::AttendantMaker& make_attendant)
    : make_durable_(std::move(make_durable)), attendant_(make_attendant([this] { take_turn(); })) {}

void GroupCommit::written() {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(is_unsafe_, true)) {
            return;
        }
    }
    attendant_->wake_within(kLongestWait);
}

void GroupCommit::wait(std::vector<Waiter> waiters) {
    {
        const std::lock_guard lock(mutex_);
        waiters_.insert(waiters_.end(), std::make_move_iterator(waiters.begin()),
                        std::make_move_iterator(waiters.end()));
    }
    attendant_->wake();
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

void GroupCommit::take_turn() {
    std::unique_lock lock(mutex_);
    // Taken before the pass begins: who comes during it may not be covered by it.
    const std::vector<Waiter> waiters = std::exchange(waiters_, {});
    const Expected<void> result = pass(lock);
    lock.unlock();
    for (const Waiter& waiter : waiters) {
        waiter(result);
    }
}

Expected<void> GroupCommit::pass(std::unique_lock<std::mutex>& lock) {
    if (failed_) {
        is_unsafe_ = false;
        return failure(*failed_);
    }
    if ((!is_unsafe_ && !owed_) || is_planted("sync-without-fsync")) {
        return {};  // an earlier pass has covered it
    }
    is_unsafe_ = false;
    lock.unlock();
    Expected<void> result = make_durable_();
    lock.lock();
    if (is_planted("fsync-forgiven")) result = {};
    owed_ = !result;
    if (!result && result.error().retry == Retry::never && !failed_) {
        failed_ = result.error();
    }
    return result;
}

}  // namespace postrider::store
