#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/event/attendant.h"

namespace postrider::store {

/// Decides when to make durable what was written: within kLongestWait of the first write that is
/// not, or at once when somebody waits for it; and how often: one pass serves all whose writes came
/// before it began. Has an attendant of its own, so that writing goes on meanwhile.
///
/// It also keeps the failure that is final (Retry::never): from then on everything fails.
class GroupCommit {
  public:
    /// What an interval of the loop's clock could not promise: this runs beside the loop.
    static constexpr Duration kLongestWait = std::chrono::milliseconds(10);

    /// Called by the attendant.
    using Waiter = std::function<void(const Expected<void>&)>;

    /// `make_durable` blocks, and is called by the attendant only. A failure of it with
    /// Retry::later is told to those who wait and tried again for the next ones.
    GroupCommit(std::function<Expected<void>()> make_durable,
                const event::AttendantMaker& make_attendant);
    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;

    ~GroupCommit() = default;

    /// A last pass if there is something left to do. Nothing may be asked for after.
    void finish() { attendant_->finish(); }

    // From any thread:

    /// Something was written.
    void written();

    /// `waiters` are told when all that was written before this call is durable.
    void wait(std::vector<Waiter> waiters);

    /// Keeps the first failure only.
    void fail(const Error& final_failure);
    [[nodiscard]] std::optional<Error> failed() const;

  private:
    void take_turn();
    [[nodiscard]] Expected<void> pass(std::unique_lock<std::mutex>& lock);

    const std::function<Expected<void>()> make_durable_;
    mutable std::mutex mutex_;
    // All guarded by mutex_:
    bool is_unsafe_ = false;  ///< something written awaits its pass
    bool owed_ = false;       ///< the last pass failed and has to be made up for
    std::vector<Waiter> waiters_;
    std::optional<Error> failed_;

    std::unique_ptr<event::Attendant> attendant_;
};

}  // namespace postrider::store
