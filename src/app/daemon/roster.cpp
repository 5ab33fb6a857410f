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
    scheduler_.pause(members_.at(name).id);
}

void Roster::resume(const std::string& name) {
    scheduler_.resume(members_.at(name).id);
}

void Roster::pause_all() {
    for (const auto& [name, member] : members_) {
        scheduler_.pause(member.id);
    }
}

void Roster::resume_all() {
    for (const auto& [name, member] : members_) {
        scheduler_.resume(member.id);
    }
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
    scheduler_.ended(member.id, outcome);
    const auto& trouble = member.keeper->tally().trouble;
    if (trouble && outcome.ending == engine::Ending::unfit && is_fatal(*trouble)) {
        calls_.on_fatal(*trouble);
    }
    if (member.is_leaving) {
        forget(std::string(member.keeper->account().name));
    } else if (member.next) {
        scheduler_.change(member.id, pacing_of(*member.next));
        member.keeper->change(std::move(*member.next));
        member.next.reset();
    }
    calls_.on_ended();
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
