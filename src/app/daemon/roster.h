#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "postrider/engine/scheduler.h"
#include "postrider/event/operation.h"

#include "app/daemon/account_keeper.h"

namespace postrider::app {

/// All accounts of the daemon and the scheduler that polls them: what the signals, the reload and
/// the control socket work on.
class Roster {
  public:
    /// What became of the accounts in a reload.
    struct Applied {
        std::size_t added = 0;
        std::size_t removed = 0;
        std::size_t changed = 0;
    };

    /// A poll has ended; before that, if so, `fatal`: this process must end. From the loop.
    struct Calls {
        std::function<void()> on_ended;
        std::function<void(const Error&)> on_fatal;
    };

    Roster(AccountKeeper::Surroundings surroundings, const config::Limits& limits, Calls calls);

    /// Adds, changes and removes until the accounts are these; those that do not differ notice
    /// nothing. A poll under way of an account that changes goes on to its end as it began; of one
    /// that is removed, it fetches no more. `secret_variables` are those of the whole
    /// configuration.
    Applied apply(std::vector<config::AccountConfig> accounts, const config::Limits& limits,
                  std::set<std::string> secret_variables);
    /// Somebody has mended something: passwords that lie outside of the configuration are fetched
    /// anew, and accounts whose login was refused, whose destination takes nothing or that cannot
    /// be polled as they are configured are tried soon.
    void look_again();

    [[nodiscard]] bool has(std::string_view name) const;
    void poll_now(const std::string& name);
    void poll_all_now();
    void pause(const std::string& name);
    void resume(const std::string& name);
    void pause_all();
    void resume_all();
    /// Accounts of these names are paused; those that are not here when they come.
    void set_paused(std::set<std::string> names);
    [[nodiscard]] const std::set<std::string>& paused() const { return paused_; }

    /// Nothing of this account is polled until the result is destroyed: somebody else writes its
    /// records. A poll under way fetches no more, and is made good later. `on_free` is told from
    /// the loop when none is under way. One account at a time, and one that is not here will do.
    [[nodiscard]] std::unique_ptr<event::Operation> hold_back(const std::string& name,
                                                              std::function<void()> on_free);

    /// Starts nothing more; what is being delivered goes on to its end.
    void wind_down();
    /// Drops all polls where they stand.
    void cut();
    [[nodiscard]] std::size_t polling() const;

    struct Member {
        std::unique_ptr<AccountKeeper> keeper;
        engine::Scheduler::Id id = 0;
        std::optional<config::AccountConfig> next;  ///< when the poll under way has ended
        bool is_leaving = false;                    ///< removed when the poll under way has ended
        bool is_interrupted = false;                ///< the poll under way is to be made good
    };
    /// By name; those that are leaving are among them.
    [[nodiscard]] const std::map<std::string, Member, std::less<>>& members() const {
        return members_;
    }
    [[nodiscard]] engine::Scheduler::View view(const Member& member) const {
        return scheduler_.view(member.id);
    }
    /// What accounts that are gone came to, so that sums over all do not fall.
    [[nodiscard]] const Tally& departed() const { return departed_; }
    [[nodiscard]] engine::Scheduler::Figures figures() const { return scheduler_.figures(); }

  private:
    struct Hold {
        std::string name;
        std::function<void()> on_free;
    };
    class Holding;

    void add(config::AccountConfig account);
    void change(Member& member, config::AccountConfig account);
    void remove(const std::string& name);
    void forget(const std::string& name);
    void start(engine::Scheduler::Id id);
    void give_up(engine::Scheduler::Id id, engine::Scheduler::Waste waste);
    void ended(Member& member, const engine::Outcome& outcome);
    void settle(Member& member);
    void tell_if_free();
    [[nodiscard]] Member& at(engine::Scheduler::Id id) { return *by_id_.at(id); }

    AccountKeeper::Surroundings surroundings_;
    Calls calls_;
    engine::Scheduler scheduler_;
    std::map<std::string, Member, std::less<>> members_;
    std::unordered_map<engine::Scheduler::Id, Member*> by_id_;
    Tally departed_;
    std::set<std::string> paused_;
    std::shared_ptr<Hold> hold_;  ///< shared with a call that is to come, which looks whether it is
                                  ///< still wanted
};

}  // namespace postrider::app
