#include "engine/poll_machine.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/planted.h"
#include "postrider/base/text.h"
#include "postrider/mail/date.h"
#include "postrider/mail/server_fields.h"

#include "engine/quirks.h"

namespace postrider::engine {

namespace {

/// So long a poll waits for its login to be allowed.
constexpr Duration kLoginPatience = std::chrono::minutes(1);

Error winding_down() {
    return {Errc::busy, Retry::now, "ended before all was fetched, because postrider was told to"};
}

}  // namespace

AccountPoll::Machine::Machine(Services& services, source::SourceFactory& source, Route route,
                              AccountPolicy policy)
    : services_(services), source_(source), route_(std::move(route)), policy_(std::move(policy)) {
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

bool AccountPoll::Machine::wind_down() {
    switch (state_) {
        case State::idle:
        case State::probing:
        case State::opening:
        case State::looking:
        case State::reconciling:
        case State::over:
            return false;
        case State::transferring:
        case State::securing:
        case State::removing:
        case State::settling:
        case State::recording:
            break;
    }
    is_winding_down_ = true;
    conveyor_->wind_down(winding_down());
    return true;
}

void AccountPoll::Machine::enter(State state) {
    POSTRIDER_ASSERT(state_ != State::over);
    state_ = state;
}

void AccountPoll::Machine::probe() {
    // Nobody logs in to fetch mail that nobody takes.
    if (const auto closed = route_.closed(services_.loop.now())) {
        finish(closed);
        return;
    }
    for (Destination* const there : route_.destinations()) {
        if (!there->closed(services_.loop.now())) {
            probes_.push_back(there->sink().probe(
                [this, there](const Expected<void>& willing) { on_probed(*there, willing); }));
        }
    }
}

void AccountPoll::Machine::on_probed(Destination& destination, const Expected<void>& willing) {
    const MonotonicTime now = services_.loop.now();
    if (!willing) {
        destination.on_fault(willing.error(), now);
    }
    if (++probed_ < probes_.size()) {
        return;
    }
    if (const auto closed = route_.closed(now)) {
        finish(closed);
        return;
    }
    open();
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
    if (const auto until = no_login_before(known_.state, services_.loop.wall_now())) {
        await_login(*until - services_.loop.wall_now());
        return;
    }
    log_in();
}

/// A poll that is a little early waits; one long before its time, as after a restart, comes again.
void AccountPoll::Machine::await_login(Duration wait) {
    if (wait <= kLoginPatience) {
        soon_ = services_.loop.make_timer([this] { log_in(); });
        soon_->arm(wait);
        return;
    }
    report_.more_after = wait;
    finish(Error{Errc::busy, Retry::later,
                 fmt::format("the server allows the next login in {} (LOGIN-DELAY)",
                             to_text(std::chrono::ceil<std::chrono::seconds>(wait)))});
}

void AccountPoll::Machine::log_in() {
    is_settling_session_ = known_.state.needs_settling;
    source::Quirks quirks = quirks_of(known_.state, services_.loop.wall_now());
    quirks.is_new = !known_.known;
    session_ = source_.open(*this, quirks);
    ++report_.sessions;
    session_->start();
}

void AccountPoll::Machine::on_listed(const source::Listing& listing,
                                     const source::Capabilities& capabilities) {
    POSTRIDER_ASSERT(state_ == State::opening);
    listing_ = listing;
    listed_at_ = services_.loop.now();
    capabilities_ = capabilities;
    report_.min_interval = capabilities.min_login_interval;
    origin_ = {source_.host(), capabilities.peer_address, capabilities.transport,
               capabilities.consumes_on_settle};
    report_.listed = listing.messages.size();
    const bool needs_dates =
        !known_.known && policy_.initial.kind == Initial::Kind::since && !listing_.messages.empty();
    if (needs_dates && !capabilities_.has_heads) {
        finish(Error{Errc::unsupported, Retry::never,
                     "initial: since needs TOP, to see the dates of what is there, and the server "
                     "does not list it (CAPA); use all, new or last"});
        return;
    }
    if (needs_dates) {
        heads_asked_.resize(listing_.messages.size());
        std::iota(heads_asked_.begin(), heads_asked_.end(), std::size_t{0});
    } else if (capabilities_.has_heads) {
        const std::vector<std::size_t> wanted = heads_wanted(listing_, known_);
        heads_asked_.assign(wanted.begin(), wanted.end());
    }
    if (heads_asked_.empty()) {
        make_plan();
        return;
    }
    enter(State::looking);
    for (const std::size_t position : heads_asked_) {
        session_->head(listing_.messages[position].number);
    }
}

void AccountPoll::Machine::on_head(std::uint32_t number, Expected<std::string> head) {
    if (session_ == nullptr) {
        return;  // let go of, and not yet destroyed
    }
    POSTRIDER_ASSERT(state_ == State::looking && !heads_asked_.empty());
    source::RemoteMessage& remote = listing_.messages[heads_asked_.front()];
    POSTRIDER_ASSERT(remote.number == number);
    heads_asked_.pop_front();
    if (head) {
        remote.dated = mail::received_date(*head);
        remote.fields_of_server = mail::octets_of_server_fields(*head);
    }
    if (heads_asked_.empty()) {
        make_plan();
    }
}

/// What earlier sessions of this poll have fetched counts.
AccountPolicy AccountPoll::Machine::policy_of_session() const {
    AccountPolicy policy = policy_;
    if (policy.max_messages_per_poll) {
        *policy.max_messages_per_poll -= std::min(*policy.max_messages_per_poll, report_.fetched);
    }
    return policy;
}

void AccountPoll::Machine::make_plan() {
    plan_ = plan(listing_, known_, policy_of_session(), services_.loop.wall_now());
    report_.kept = plan_.kept;
    report_.held_before = plan_.held;
    report_.without_uid = plan_.without_uid;
    report_.skipped = plan_.skipped;
    report_.oversize = plan_.oversize;
    report_.left = plan_.left;
    if (plan_.doubt) {
        finish(plan_.doubt);
        return;
    }
    if (is_settling_session_) {
        plan_.fetch.clear();
        plan_.when_verified.clear();
    }
    report_.to_fetch = report_.fetched + report_.fetch_refused + plan_.fetch.size();
    report_.octets_to_fetch = report_.fetched_octets;
    for (const Job& job : plan_.fetch) {
        report_.octets_to_fetch += job.remote.size;
    }
    secured_before_ = report_.delivered + report_.held;
    enter(State::reconciling);
    progress_(report_);
    write(changes_before_transfers(), [this] { begin_transfers(); });
}

std::vector<store::Change> AccountPoll::Machine::changes_before_transfers() {
    std::vector<store::Change> changes = std::move(plan_.reconcile);
    const WallTime now = services_.loop.wall_now();
    store::AccountState state = with_quirks(known_.state, session_->quirks(), now);
    if (capabilities_.min_login_interval) {
        state = with_login(std::move(state), *capabilities_.min_login_interval, now);
    }
    if (capabilities_.consumes_on_settle && !plan_.fetch.empty()) {
        // Before the first RETR: whatever ends this session early, the next one settles first (I3).
        state.needs_settling = true;
    }
    if (state != known_.state || (!known_.known && changes.empty())) {
        known_.state = state;
        changes.emplace_back(store::PutState{std::move(state)});
    }
    return changes;
}

void AccountPoll::Machine::begin_transfers() {
    if (state_ != State::reconciling) {
        return;
    }
    known_.known = true;
    enter(State::transferring);
    conveyor_ = std::make_unique<Conveyor>(
        services_, route_,
        Conveyor::Load{
            plan_.fetch, plan_.records, contents_, report_, origin_, policy_,
            capabilities_.consumes_on_settle,
            services_.loop.now() + capabilities_.min_login_interval.value_or(Duration::zero())},
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
    if (capabilities_.consumes_on_settle && conveyor_->has_unsecured() &&
        !is_planted("quit-after-put-off")) {
        // A consuming server would forget at QUIT what is secured nowhere: it gets none, and the
        // next poll settles what was delivered (I3).
        finish(conveyor_->stopped_by().value_or(
            Error{Errc::busy, Retry::later,
                  fmt::format("{} put off: {}",
                              counted(report_.put_off + report_.fetch_refused, "message"),
                              report_.last_trouble)}));
        return;
    }
    secure();
}

void AccountPoll::Machine::secure() {
    enter(State::securing);
    if (!route_.is_any_closed(services_.loop.now())) {
        // While a destination is in trouble nothing is deleted on the strength of what it took
        // before: whoever repairs it may need that mail once more.
        std::vector<Job> jobs =
            removable(listing_, plan_.records, contents_, policy_, services_.loop.wall_now());
        if (capabilities_.forbids_keeping && !is_planted("leftovers-stay")) {
            add_leftovers(jobs, plan_.leftovers);
        }
        to_remove_.assign(jobs.begin(), jobs.end());
    }
    if (to_remove_.empty() && !capabilities_.consumes_on_settle) {
        write(verified_changes(), [this] { settle(); });
        return;
    }
    // I2: what DELE or a consuming QUIT relies on is on the disk before.
    const auto on_durable = [this](const Expected<void>& durable) {
        if (!durable) {
            finish(durable.error());
            return;
        }
        std::vector<store::Change> changes = verified_changes();
        if (capabilities_.consumes_on_settle) {
            add_consumed(changes);
        }
        for (Job& job : to_remove_) {
            job.record.phase = store::Phase::deleting;
            changes.emplace_back(store::PutMessage{job.record});
        }
        write(std::move(changes), [this] { remove_all(); });
    };
    if (is_planted("dele-before-sync")) return on_durable({});
    operation_ = services_.ledger.sync(on_durable);
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
    const auto without_uid = static_cast<std::size_t>(
        std::count_if(listing_.messages.begin(), listing_.messages.end(),
                      [](const source::RemoteMessage& remote) { return remote.uid.empty(); }));
    if (without_uid == contents_.size()) {
        const std::vector<store::Change> absent =
            absent_contents(known_, contents_, services_.loop.wall_now());
        changes.insert(changes.end(), absent.begin(), absent.end());
    }
    return changes;
}

/// What a consuming server takes at QUIT counts as asked to be deleted, or the next listing without
/// it would look like a mailbox that was replaced (I9).
void AccountPoll::Machine::add_consumed(std::vector<store::Change>& changes) {
    for (const Job& job : plan_.fetch) {
        const auto content = contents_.find(job.remote.number);
        const auto known =
            plan_.records.find(content == contents_.end() ? job.record.key : content->second);
        if (known == plan_.records.end() || known->second.phase == store::Phase::seen) {
            continue;
        }
        store::MessageRecord record = known->second;
        if (record.phase == store::Phase::delivered) {
            record.phase = store::Phase::deleting;
            changes.emplace_back(store::PutMessage{record});
        }
        if (std::exchange(record.awaits_quit, false)) {
            settled_.emplace_back(store::PutMessage{std::move(record)});
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
    record.awaits_quit = false;
    ++removed_;
    settled_.emplace_back(store::PutMessage{std::move(record)});
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
    (void)take_removal(number);
    report_.last_trouble = error.text;
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
    if (!outcome && !is_planted("quit-always-good")) {
        // Some deletions took effect, some did not: the next listing tells (P-031).
        finish(outcome.error());
        return;
    }
    report_.removed += std::exchange(removed_, 0);
    std::vector<store::Change> changes = std::exchange(settled_, {});
    if (capabilities_.consumes_on_settle || is_settling_session_) {
        known_.state.needs_settling = false;
        changes.emplace_back(store::PutState{known_.state});
    }
    enter(State::recording);
    write(std::move(changes), [this] { after_settling(); });
}

void AccountPoll::Machine::after_settling() {
    if (!is_settling_session_) {
        if (!conveyor_->stopped_by() && !is_winding_down_ && may_be_more()) {
            go_on();
        } else {
            finish(conveyor_->stopped_by());
        }
        return;
    }
    if (capabilities_.min_login_interval) {
        finish(Error{Errc::busy, Retry::later,
                     fmt::format("settled what an interrupted session had left; the server allows "
                                 "the next login in {}, then mail is fetched again",
                                 to_text(*capabilities_.min_login_interval))});
        return;
    }
    if (is_winding_down_) {
        finish(winding_down());
        return;
    }
    plan_ = {};
    open();
}

/// A commit in the midst of the work, or a server that may list only a part of what it has:
/// those that consume are known to.
bool AccountPoll::Machine::may_be_more() const {
    const bool has_made_room =
        report_.delivered + report_.held > secured_before_ || conveyor_->has_met_leftover();
    const bool is_window = capabilities_.consumes_on_settle && has_made_room && plan_.left == 0;
    return conveyor_->has_more() || is_window;
}

void AccountPoll::Machine::go_on() {
    const Duration since_login = services_.loop.now() - listed_at_;
    const Duration delay = capabilities_.min_login_interval.value_or(Duration::zero());
    if (since_login < delay) {
        report_.more_after = delay - since_login;
        finish(std::nullopt);
        return;
    }
    services_.loop.defer_delete(std::move(conveyor_));
    contents_.clear();
    plan_ = {};
    open();
}

/// Not before the account is known: its first listing is to be met by its initial policy.
void AccountPoll::Machine::remember_quirks() {
    if (session_ == nullptr || !known_.known) {
        return;
    }
    store::AccountState state =
        with_quirks(known_.state, session_->quirks(), services_.loop.wall_now());
    if (state != known_.state) {
        known_.state = state;
        // Whether it is recorded is not waited for: at worst it is learned once more.
        const auto unheard = services_.ledger.write(
            policy_.account, {store::PutState{std::move(state)}}, [](const Expected<void>&) {});
    }
}

void AccountPoll::Machine::on_failed(const Error& error) {
    if (session_ == nullptr) {
        return;  // let go of, and not yet destroyed
    }
    remember_quirks();
    // A login that is refused for LOGIN-DELAY is not tried sooner than that allows (P-026).
    report_.min_interval = session_->min_login_interval();
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
    report_.quirks = learned(known_.state, services_.loop.wall_now());
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
