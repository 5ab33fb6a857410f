#include "app/daemon/roster.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "postrider/base/assert.h"

#include "app/assembly/changes.h"
#include "app/daemon/outcome.h"

namespace postrider::app {

using engine::Scheduler;

namespace {

Scheduler::Limits scheduler_limits(const config::Limits& limits) {
    return {limits.polls, limits.polls_per_host};
}

std::uint64_t seed() {
    std::random_device entropy;
    return (std::uint64_t{entropy()} << 32U) | entropy();
}

Error error_of(Scheduler::Waste waste) {
    switch (waste) {
        case Scheduler::Waste::stuck:
            return {Errc::timed_out, Retry::later,
                    "the poll was stuck: no progress for longer than a session may last"};
        case Scheduler::Waste::sluggish:
            return {Errc::timed_out, Retry::later,
                    "the server has not let us see the mailbox for " +
                        to_text(engine::kSluggishAfter) +
                        ", while other accounts wait to be polled"};
    }
    POSTRIDER_ASSERT(false);
}

/// May have been mended by whoever changes the configuration.
bool is_for_a_person(engine::Ending ending) {
    switch (ending) {
        case engine::Ending::login_refused:
        case engine::Ending::destination:
        case engine::Ending::unfit:
            return true;
        case engine::Ending::good:
        case engine::Ending::temporary:
            return false;
    }
    POSTRIDER_ASSERT(false);
}

}  // namespace

class Roster::Holding final : public event::Operation {
  public:
    explicit Holding(Roster& roster) : roster_(roster) {}
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;
    ~Holding() override {
        const std::shared_ptr<Hold> hold = std::exchange(roster_.hold_, nullptr);
        const auto member = roster_.members_.find(hold->name);
        if (member != roster_.members_.end()) {
            roster_.scheduler_.let_go(member->second.id);
        }
    }

  private:
    Roster& roster_;
};

Roster::Roster(AccountKeeper::Surroundings surroundings, const config::Limits& limits, Calls calls)
    : surroundings_(std::move(surroundings)),
      calls_(std::move(calls)),
      scheduler_(surroundings_.services.loop, scheduler_limits(limits), seed(),
                 {[this](Scheduler::Id id) { start(id); },
                  [this](Scheduler::Id id, Scheduler::Waste waste) { give_up(id, waste); }}) {}

Roster::Applied Roster::apply(std::vector<config::AccountConfig> accounts,
                              const config::Limits& limits,
                              std::set<std::string> secret_variables) {
    Applied applied;
    surroundings_.secret_variables = std::move(secret_variables);
    scheduler_.set_limits(scheduler_limits(limits));
    std::set<std::string, std::less<>> gone;
    for (const auto& [name, member] : members_) {
        if (!member.is_leaving) {
            gone.insert(name);
        }
    }
    for (const config::AccountConfig& account : accounts) {
        gone.erase(account.name);
    }
    for (const std::string& name : gone) {
        remove(name);
    }
    applied.removed = gone.size();
    for (config::AccountConfig& account : accounts) {
        const auto known = members_.find(account.name);
        if (known == members_.end()) {
            add(std::move(account));
            ++applied.added;
            continue;
        }
        Member& member = known->second;
        const bool is_back = std::exchange(member.is_leaving, false);
        if (is_other(member.next.value_or(member.keeper->account()), account)) {
            change(member, std::move(account));
            ++applied.changed;
        } else if (is_back) {
            ++applied.added;
        }
    }
    return applied;
}

void Roster::add(config::AccountConfig account) {
    const std::string name = account.name;
    Member& member = members_[name];
    const engine::Pacing pacing = pacing_of(account);
    member.keeper = std::make_unique<AccountKeeper>(surroundings_, std::move(account));
    member.id = scheduler_.add(pacing);
    by_id_[member.id] = &member;
    if (paused_.count(name) > 0) {
        scheduler_.pause(member.id);
    }
    if (hold_ != nullptr && hold_->name == name) {
        scheduler_.hold_back(member.id);
    }
}

void Roster::change(Member& member, config::AccountConfig account) {
    if (member.keeper->is_polling()) {
        member.next = std::move(account);
        return;
    }
    scheduler_.change(member.id, pacing_of(account));
    member.keeper->change(std::move(account));
}

void Roster::remove(const std::string& name) {
    Member& member = members_.find(name)->second;
    if (member.keeper->wind_down()) {
        member.is_leaving = true;
        return;
    }
    forget(name);
}

void Roster::forget(const std::string& name) {
    const auto member = members_.find(name);
    Tally last = member->second.keeper->tally();
    last.backlog = 0;
    departed_.add(last);
    scheduler_.remove(member->second.id);
    by_id_.erase(member->second.id);
    surroundings_.services.loop.defer_delete(std::move(member->second.keeper));
    members_.erase(member);
}

void Roster::look_again() {
    for (auto& [name, member] : members_) {
        member.keeper->forget_password();
        const bool is_paused = scheduler_.view(member.id).state == Scheduler::State::paused;
        if (is_for_a_person(member.keeper->tally().ending) && !is_paused) {
            scheduler_.poll_now(member.id);
        }
    }
}

bool Roster::has(std::string_view name) const {
    const auto found = members_.find(name);
    return found != members_.end() && !found->second.is_leaving;
}

void Roster::poll_now(const std::string& name) {
    scheduler_.poll_now(members_.at(name).id);
}

void Roster::poll_all_now() {
    for (const auto& [name, member] : members_) {
        if (scheduler_.view(member.id).state != Scheduler::State::paused) {
            scheduler_.poll_now(member.id);
        }
    }
}

void Roster::pause(const std::string& name) {
    paused_.insert(name);
    scheduler_.pause(members_.at(name).id);
}

void Roster::resume(const std::string& name) {
    paused_.erase(name);
    scheduler_.resume(members_.at(name).id);
}

void Roster::set_paused(std::set<std::string> names) {
    paused_ = std::move(names);
    for (const auto& [name, member] : members_) {
        if (paused_.count(name) > 0) {
            scheduler_.pause(member.id);
        }
    }
}

void Roster::pause_all() {
    for (const auto& [name, member] : members_) {
        paused_.insert(name);
        scheduler_.pause(member.id);
    }
}

void Roster::resume_all() {
    paused_.clear();
    for (const auto& [name, member] : members_) {
        scheduler_.resume(member.id);
    }
}

std::unique_ptr<event::Operation> Roster::hold_back(const std::string& name,
                                                    std::function<void()> on_free) {
    POSTRIDER_ASSERT(hold_ == nullptr);
    hold_ = std::make_shared<Hold>(Hold{name, std::move(on_free)});
    const auto found = members_.find(name);
    if (found != members_.end()) {
        Member& member = found->second;
        scheduler_.hold_back(member.id);
        if (member.keeper->is_polling()) {
            member.is_interrupted = member.keeper->wind_down();
            if (!member.is_interrupted) {
                scheduler_.interrupted(member.id);
                settle(member);
            }
        }
    }
    tell_if_free();
    return std::make_unique<Holding>(*this);
}

void Roster::tell_if_free() {
    const auto member = members_.find(hold_->name);
    if (member != members_.end() && member->second.keeper->is_polling()) {
        return;
    }
    surroundings_.services.loop.defer([waiting = std::weak_ptr<Hold>(hold_)] {
        const std::shared_ptr<Hold> hold = waiting.lock();
        if (hold != nullptr && hold->on_free) {
            const auto on_free = std::move(hold->on_free);
            on_free();
        }
    });
}

void Roster::start(Scheduler::Id id) {
    Member& member = at(id);
    member.keeper->start(
        [this, id] { scheduler_.on_progress(id); },
        [this, &member](const engine::Outcome& outcome) { ended(member, outcome); });
}

void Roster::give_up(Scheduler::Id id, Scheduler::Waste waste) {
    Member& member = at(id);
    ended(member, member.keeper->drop(error_of(waste)));
}

void Roster::ended(Member& member, const engine::Outcome& outcome) {
    if (std::exchange(member.is_interrupted, false)) {
        scheduler_.interrupted(member.id);
    } else {
        scheduler_.ended(member.id, outcome);
    }
    const auto& trouble = member.keeper->tally().trouble;
    if (trouble && outcome.ending == engine::Ending::unfit && is_fatal(*trouble)) {
        calls_.on_fatal(*trouble);
    }
    const bool is_awaited = hold_ != nullptr && hold_->name == member.keeper->account().name;
    settle(member);
    if (is_awaited) {
        tell_if_free();
    }
    calls_.on_ended();
}

/// What was put off to the end of the poll.
void Roster::settle(Member& member) {
    if (member.is_leaving) {
        forget(std::string(member.keeper->account().name));
    } else if (member.next) {
        scheduler_.change(member.id, pacing_of(*member.next));
        member.keeper->change(std::move(*member.next));
        member.next.reset();
    }
}

void Roster::wind_down() {
    scheduler_.stop();
    for (auto& [name, member] : members_) {
        static_cast<void>(member.keeper->wind_down());
    }
}

void Roster::cut() {
    scheduler_.stop();
    for (auto& [name, member] : members_) {
        if (member.keeper->is_polling()) {
            member.keeper->drop({Errc::timed_out, Retry::now, "cut off by the end of postrider"});
        }
    }
}

std::size_t Roster::polling() const {
    return static_cast<std::size_t>(
        std::count_if(members_.begin(), members_.end(),
                      [](const auto& member) { return member.second.keeper->is_polling(); }));
}

}  // namespace postrider::app
