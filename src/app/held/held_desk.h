#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/event/operation.h"
#include "postrider/event/worker.h"
#include "postrider/mail/message.h"
#include "postrider/store/held_copies.h"
#include "postrider/store/ledger.h"

#include "app/daemon/roster.h"
#include "app/held/held_work.h"

namespace postrider::app {

/// Where a running daemon takes orders to deliver held messages again, or to give them up. One
/// order is worked on at a time, and of it one account at a time; that account is not polled
/// meanwhile.
class HeldDesk {
  public:
    struct Order {
        bool is_drop = false;
        std::vector<std::string> ids;  ///< whole ones
        HeldWork::Other other;         ///< of a retry
    };
    struct Ground {
        event::Loop& loop;
        event::Worker& worker;  ///< for files
        store::Ledger& ledger;
        Roster& roster;
        HeldWork::FindSink find_sink;
        store::HeldCopies copies;
        mail::Spool spool;
        std::function<void()> on_idle;  ///< nothing is being worked on any more
    };

    /// What `ground` refers to outlives it.
    explicit HeldDesk(Ground ground);
    HeldDesk(const HeldDesk&) = delete;
    HeldDesk& operator=(const HeldDesk&) = delete;
    ~HeldDesk();

    /// Both are told from the loop, until the result is destroyed; the message that is being worked
    /// on then is brought to its end, and it is the last one. Errors of `done`: config (no such
    /// message: nothing was done), busy (the daemon is ending), or of the local state.
    [[nodiscard]] std::unique_ptr<event::Operation> take(Order order, HeldWork::OnResult on_result,
                                                         HeldWork::Done done);

    /// The message that is being worked on is the last one.
    void wind_down();
    [[nodiscard]] bool is_idle() const { return tasks_.empty(); }

  private:
    struct Task;
    class Asking;

    void look();
    void on_listed(Expected<store::HeldListing> listing);
    [[nodiscard]] Expected<void> check(const store::HeldListing& listing) const;
    void begin_account(const store::HeldListing& listing);
    void work(const std::string& account, const store::HeldListing& listing);
    void end(const Expected<void>& outcome);

    Ground ground_;
    std::deque<std::shared_ptr<Task>> tasks_;  ///< owned here, and by who asks
    std::unique_ptr<event::Operation> looking_;
    std::unique_ptr<event::Operation> hold_;  ///< of the account that is worked on
    std::unique_ptr<HeldWork> work_;
    bool is_winding_down_ = false;
};

}  // namespace postrider::app
