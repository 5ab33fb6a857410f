#include "engine/poll_machine.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

namespace postrider::engine {

AccountPoll::Machine::Machine(Services& services, source::SourceFactory& source,
                              Destination& destination, AccountPolicy policy)
    : services_(services), source_(source), destination_(destination), policy_(std::move(policy)) {
    report_.account = policy_.account;
}

void AccountPoll::Machine::start(Progress progress, Done done) {
    progress_ = std::move(progress);
    done_ = std::move(done);
    started_ = services_.loop.now();
    enter(State::probing);
    soon_ = services_.loop.make_timer([this] { probe(); });
    soon_->arm(Duration::zero());
}

void AccountPoll::Machine::enter(State state) {
    POSTRIDER_ASSERT(state_ != State::over);
    state_ = state;
}

void AccountPoll::Machine::probe() {
    // Nobody logs in to fetch mail that nobody takes.
    if (const auto closed = destination_.closed(services_.loop.now())) {
        finish(closed);
        return;
    }
    operation_ = destination_.sink().probe([this](const Expected<void>& willing) {
        if (!willing) {
            destination_.on_fault(willing.error(), services_.loop.now());
            finish(destination_.closed(services_.loop.now()));
            return;
        }
        open();
    });
}

void AccountPoll::Machine::open() {
    enter(State::opening);
    operation_ = services_.ledger.load(
        policy_.account,
        [this](Expected<store::AccountRecords> known) { on_loaded(std::move(known)); });
}

void AccountPoll::Machine::on_loaded(Expected<store::AccountRecords> known) {
    if (!known) {
        finish(known.error());
        return;
    }
    known_ = std::move(*known);
    is_settling_session_ = known_.state.needs_settling;
    session_ = source_.open(*this);
    session_->start();
}

void AccountPoll::Machine::on_listed(const source::Listing& listing,
                                     const source::Capabilities& capabilities) {
    POSTRIDER_ASSERT(state_ == State::opening);
    listing_ = listing;
    capabilities_ = capabilities;
    origin_ = {source_.host(), capabilities.peer_address, capabilities.transport};
    plan_ = plan(listing_, known_, policy_, services_.loop.wall_now());
    report_.listed = listing.messages.size();
    report_.kept = plan_.kept;
    report_.held_before = plan_.held;
    report_.without_uid = plan_.without_uid;
    if (plan_.doubt) {
        finish(plan_.doubt);
        return;
    }
    if (is_settling_session_) {
        plan_.fetch.clear();
        plan_.when_verified.clear();
    }
    report_.to_fetch = plan_.fetch.size();
    report_.octets_to_fetch = 0;
    for (const Job& job : plan_.fetch) {
        report_.octets_to_fetch += job.remote.size;
    }
    std::vector<store::Change> changes = std::move(plan_.reconcile);
    if (capabilities.consumes_on_settle && !plan_.fetch.empty()) {
        // Before the first RETR: whatever ends this session early, the next one settles first (I3).
        changes.emplace_back(store::PutState{{.needs_settling = true}});
    } else if (!known_.known && changes.empty()) {
        changes.emplace_back(store::PutState{known_.state});
    }
    enter(State::reconciling);
    progress_(report_);
    write(std::move(changes), [this] { begin_transfers(); });
}

void AccountPoll::Machine::begin_transfers() {
    if (state_ != State::reconciling) {
        return;
    }
    enter(State::transferring);
    conveyor_ = std::make_unique<Conveyor>(
        services_, destination_,
        Conveyor::Load{plan_.fetch, plan_.records, report_, origin_, policy_},
        [this] { progress_(report_); },
        [this](std::optional<Error> local_fault) { on_conveyed(std::move(local_fault)); });
    conveyor_->start(*session_);
}

void AccountPoll::Machine::on_fetched(std::uint32_t number, mail::Message message) {
    if (session_ != nullptr) {
        conveyor_->on_fetched(number, std::move(message));
    }
}

void AccountPoll::Machine::on_fetch_refused(std::uint32_t number, const Error& error) {
    if (session_ != nullptr) {
        conveyor_->on_fetch_refused(number, error);
    }
}

void AccountPoll::Machine::on_conveyed(std::optional<Error> local_fault) {
    if (local_fault) {
        finish(std::move(local_fault));
        return;
    }
    if (session_ == nullptr) {
        finish(conveyor_->stopped_by());
        return;
    }
    if (capabilities_.consumes_on_settle && conveyor_->has_unsecured()) {
        // A consuming server would forget at QUIT what is secured nowhere: it gets none, and the
        // next poll settles what was delivered (I3).
        finish(conveyor_->stopped_by().value_or(
            Error{Errc::busy, Retry::later,
                  fmt::format("{} put off: {}", counted(report_.put_off, "message"),
                              report_.last_trouble)}));
        return;
    }
    secure();
}

void AccountPoll::Machine::secure() {
    enter(State::securing);
    if (!destination_.closed(services_.loop.now())) {
        // While a destination is in trouble nothing is deleted on the strength of what it took
        // before: whoever repairs it may need that mail once more.
        const std::vector<Job> jobs =
            removable(listing_, plan_.records, policy_, services_.loop.wall_now());
        to_remove_.assign(jobs.begin(), jobs.end());
    }
    if (to_remove_.empty() && !capabilities_.consumes_on_settle) {
        write(verified_changes(), [this] { settle(); });
        return;
    }
    // I2: what DELE or a consuming QUIT relies on is on the disk before.
    operation_ = services_.ledger.sync([this](const Expected<void>& durable) {
        if (!durable) {
            finish(durable.error());
            return;
        }
        std::vector<store::Change> changes = verified_changes();
        if (capabilities_.consumes_on_settle) {
            consumed_changes(changes);
        }
        for (Job& job : to_remove_) {
            job.record.phase = store::Phase::deleting;
            changes.emplace_back(store::PutMessage{job.record});
        }
        write(std::move(changes), [this] { remove_all(); });
    });
}

/// For groups of equal UIDs of which every message has now shown its content, the records of those
/// that vanished may go their usual way.
std::vector<store::Change> AccountPoll::Machine::verified_changes() const {
    std::set<std::string> open;
    for (const Job& job : plan_.fetch) {
        if (job.verify && plan_.records.at(job.record.key).phase == store::Phase::seen) {
            open.insert(job.remote.uid);
        }
    }
    std::vector<store::Change> changes;
    for (const auto& [uid, of_uid] : plan_.when_verified) {
        if (open.count(uid) == 0) {
            changes.insert(changes.end(), of_uid.begin(), of_uid.end());
        }
    }
    return changes;
}

/// What a consuming server takes at QUIT counts as asked to be deleted, or the next listing without
/// it would look like a mailbox that was replaced (I9).
void AccountPoll::Machine::consumed_changes(std::vector<store::Change>& changes) const {
    for (const Job& job : plan_.fetch) {
        store::MessageRecord record = plan_.records.at(job.record.key);
        if (record.phase == store::Phase::delivered) {
            record.phase = store::Phase::deleting;
            changes.emplace_back(store::PutMessage{std::move(record)});
        }
    }
}

void AccountPoll::Machine::remove_all() {
    if (session_ == nullptr) {
        return;
    }
    enter(State::removing);
    for (const Job& job : to_remove_) {
        session_->remove(job.remote.number);
    }
    end_removals_if_done();
}

void AccountPoll::Machine::on_removed(std::uint32_t number) {
    if (session_ == nullptr) {
        return;  // let go of, and not yet destroyed
    }
    store::MessageRecord record = take_removal(number).record;
    record.phase = store::Phase::gone;
    removed_.emplace_back(store::PutMessage{std::move(record)});
    end_removals_if_done();
}

Job AccountPoll::Machine::take_removal(std::uint32_t number) {
    POSTRIDER_ASSERT(!to_remove_.empty() && to_remove_.front().remote.number == number);
    Job job = std::move(to_remove_.front());
    to_remove_.pop_front();
    return job;
}

void AccountPoll::Machine::on_remove_refused(std::uint32_t number, const Error& error) {
    if (session_ == nullptr) {
        return;  // let go of, and not yet destroyed
    }
    const Job job = take_removal(number);
    report_.last_trouble = error.in(fmt::format("DELE {}", job.remote.number)).text;
    end_removals_if_done();
}

void AccountPoll::Machine::end_removals_if_done() {
    if (to_remove_.empty()) {
        settle();
    }
}

void AccountPoll::Machine::settle() {
    if (session_ == nullptr) {
        return;
    }
    enter(State::settling);
    session_->settle();
}

void AccountPoll::Machine::on_settled(const Expected<void>& outcome) {
    if (session_ == nullptr) {
        return;  // let go of, and not yet destroyed
    }
    drop_session();
    if (!outcome) {
        // Some deletions took effect, some did not: the next listing tells (P-031).
        finish(outcome.error());
        return;
    }
    report_.removed += removed_.size();
    std::vector<store::Change> changes = std::exchange(removed_, {});
    if (capabilities_.consumes_on_settle || is_settling_session_) {
        changes.emplace_back(store::PutState{{.needs_settling = false}});
    }
    enter(State::recording);
    write(std::move(changes), [this] { after_settling(); });
}

void AccountPoll::Machine::after_settling() {
    if (!is_settling_session_) {
        finish(conveyor_->stopped_by());
        return;
    }
    if (capabilities_.min_login_interval) {
        finish(Error{Errc::busy, Retry::later,
                     fmt::format("settled what an interrupted session had left; the server allows "
                                 "the next login in {}, then mail is fetched again",
                                 to_text(*capabilities_.min_login_interval))});
        return;
    }
    plan_ = {};
    open();
}

void AccountPoll::Machine::on_failed(const Error& error) {
    if (session_ == nullptr) {
        return;  // let go of, and not yet destroyed
    }
    drop_session();
    if (state_ != State::transferring) {
        finish(error);
        return;
    }
    conveyor_->session_lost(error);
}

void AccountPoll::Machine::write(std::vector<store::Change> changes, std::function<void()> next) {
    if (changes.empty()) {
        next();
        return;
    }
    operation_ = services_.ledger.write(policy_.account, std::move(changes),
                                        [this, next = std::move(next)](const Expected<void>& done) {
                                            if (!done) {
                                                finish(done.error());
                                                return;
                                            }
                                            next();
                                        });
}

void AccountPoll::Machine::drop_session() {
    services_.loop.defer_delete(std::move(session_));
}

void AccountPoll::Machine::finish(std::optional<Error> error) {
    enter(State::over);
    services_.loop.defer_delete(std::move(conveyor_));
    drop_session();
    operation_.reset();
    report_.error = std::move(error);
    report_.took = services_.loop.now() - started_;
    services_.log.info("session", {{"account", report_.account},
                                   {"listed", report_.listed},
                                   {"delivered", report_.delivered},
                                   {"octets", report_.fetched_octets},
                                   {"held", report_.held},
                                   {"put_off", report_.put_off},
                                   {"removed", report_.removed},
                                   {"took", to_text(report_.took)},
                                   {"error", report_.error ? report_.error->text : ""}});
    const Done done = std::move(done_);
    done(report_);
}

}  // namespace postrider::engine
