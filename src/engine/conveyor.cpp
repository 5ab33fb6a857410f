#include "engine/conveyor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/planted.h"
#include "postrider/base/text.h"

#include "engine/settled.h"

namespace postrider::engine {

namespace {

/// What a message counts at least: servers that list no sizes shall not open the window.
constexpr std::uint64_t kLeast = 4096;

/// What a message counts of the window; listed sizes may be anything.
std::uint64_t weight_of(const Job& job) {
    return std::clamp<std::uint64_t>(job.remote.size, kLeast, kInFlight);
}

/// What a message in flight costs of the memory budget: larger ones lie in a file.
std::uint64_t memory_of(const Job& job) {
    return std::clamp<std::uint64_t>(job.remote.size, kLeast, mail::Spool{}.memory_limit);
}

}  // namespace

Conveyor::Conveyor(Services& services, const Route& route, Load load,
                   std::function<void()> on_progress, Done done)
    : services_(services),
      route_(route),
      load_(load),
      on_progress_(std::move(on_progress)),
      done_(std::move(done)),
      memory_(services.memory, [this] {
          fetch_more();
          end_if_done();
      }) {}

void Conveyor::start(source::MailSource& session) {
    session_ = &session;
    started_ = services_.loop.now();
    fetch_more();
    end_if_done();
}

void Conveyor::fetch_more() {
    if (session_ == nullptr || stopped_by_ || is_over_) {
        return;
    }
    if (const auto closed = route_.closed(services_.loop.now())) {
        stop(*closed);
        return;
    }
    if (is_full_ && in_flight_ > kInFlight / 2) {
        return;  // refilled in batches: the server is not woken for every single message
    }
    is_full_ = false;
    while (next_fetch_ < load_.jobs.size()) {
        const Job& job = load_.jobs[next_fetch_];
        if (const auto closed = nobody_takes(job)) {
            ++next_fetch_;
            ++load_.report.put_off;
            load_.report.last_trouble = closed->text;
            continue;
        }
        is_enough_ = is_enough_ || is_time_to_commit();
        if (is_enough_) {
            return;
        }
        if (in_flight_ + weight_of(job) > kInFlight) {
            is_full_ = true;
            return;
        }
        if (!memory_.take(memory_of(job))) {
            return;
        }
        in_flight_ += weight_of(job);
        ++messages_asked_;
        octets_asked_ += job.remote.size;
        asked_.push_back(&job);
        ++next_fetch_;
        session_->fetch(job.remote.number);
    }
}

/// Why it is not even fetched, if so: none of those that lack it is open.
std::optional<Error> Conveyor::nobody_takes(const Job& job) const {
    const MonotonicTime now = services_.loop.now();
    if (route_.is_single() || !route_.is_any_closed(now)) {
        return std::nullopt;
    }
    std::vector<std::string> names = job.record.settled_recipients;
    const Settled settled(names, route_);
    std::optional<Error> closed;
    bool is_some_open = false;
    for (const Destination* const there : route_.destinations()) {
        // Whom it is for may not be known before it is fetched.
        if (settled.has_all(*there) ||
            (!load_.policy.recipients.empty() &&
             waiting(settled, *there, load_.policy.recipients).empty())) {
            continue;
        }
        const auto error = there->closed(now);
        is_some_open = is_some_open || !error;
        closed = error ? error : closed;
    }
    return is_some_open && !load_.is_consuming ? std::nullopt : closed;
}

/// what was delivered so far is settled, then another session goes on. Where the server
/// wants time between logins, this session uses that time (P-026). Without UIDs the next session
/// would begin anew with what could not be deleted.
bool Conveyor::is_time_to_commit() const {
    if (load_.jobs[next_fetch_].remote.uid.empty()) {
        return false;
    }
    const CommitEvery& every = load_.policy.commit_every;
    const MonotonicTime now = services_.loop.now();
    // A session that has fetched nothing has nothing to settle: the next would find the same.
    return messages_asked_ > 0 && now >= load_.next_login_at &&
           ((every.messages && messages_asked_ >= *every.messages) ||
            (every.octets && octets_asked_ >= *every.octets) ||
            (every.time && now - started_ >= *every.time));
}

const Job& Conveyor::take_asked(std::uint32_t number) {
    POSTRIDER_ASSERT(!asked_.empty() && asked_.front()->remote.number == number);
    const Job& job = *asked_.front();
    asked_.pop_front();
    return job;
}

void Conveyor::release(const Job& job) {
    in_flight_ -= weight_of(job);
    memory_.give_back(is_planted("memory-kept") ? 0 : memory_of(job));
}

void Conveyor::on_fetched(std::uint32_t number, mail::Message message) {
    if (is_over_) {
        return;
    }
    if (const std::uint64_t listed = asked_.front()->remote.size;
        listed > 0 && message.facts().received_octets == 0) {
        on_empty(number, listed);
        return;
    }
    const Job& job = take_asked(number);
    ++load_.report.fetched;
    load_.report.fetched_octets += message.facts().received_octets;
    refusals_in_row_ = 0;
    received_.push_back({&job, std::move(message)});
    on_progress_();
    deliver_next();
}

void Conveyor::on_fetch_refused(std::uint32_t number, const Error& error) {
    if (is_over_) {
        return;
    }
    const Job& job = take_asked(number);
    release(job);
    ++load_.report.fetch_refused;
    load_.report.last_trouble = error.text;
    count_refusal(job, error);
    // What has no UID is never taken out of the way as poison: it shall not end every session.
    refusals_in_row_ += job.record.key.uid.empty() ? 0U : 1U;
    if (refusals_in_row_ >= kFetchRefusalsInRow) {
        stop(error.in(
            fmt::format("{} refused in a row, the last", counted(refusals_in_row_, "message"))));
    }
    fetch_more();
    end_if_done();
}

/// S-028: a fault of the server, and no mail: as if it had refused. But a server that forgets at
/// QUIT what was fetched takes it for fetched (I3).
void Conveyor::on_empty(std::uint32_t number, std::uint64_t listed) {
    ++unsecured_;
    on_fetch_refused(number, {Errc::busy, Retry::later,
                              fmt::format("RETR {}: the server sent an empty message where it "
                                          "listed {}; it is left there and tried again",
                                          number, counted(listed, "octet"))});
}

/// A message that cannot be fetched again and again is poison: it is left out of the loop and tried
/// once a day (design section 2).
void Conveyor::count_refusal(const Job& job, const Error& error) {
    const bool is_too_large = error.code == Errc::limit;
    if (job.record.key.uid.empty() || (job.verify && !is_too_large)) {
        return;  // it has no record, or one that speaks of another state than this message's
    }
    store::MessageRecord record = job.record;
    ++record.failures;
    record.note = escaped(error.text);
    if (is_too_large) {
        // Once is enough: it takes the connection with it.
        record.phase = store::Phase::held;
        record.awaits_quit = false;
        if (!record.held_copy) {
            record.sha256.reset();
        }
    } else if (record.failures >= kPoisonAfter) {
        record.phase = store::Phase::held;
        record.retry_after = services_.loop.wall_now() +
                             std::chrono::duration_cast<std::chrono::milliseconds>(kPoisonRetry);
    }
    side_writes_.push_back(services_.ledger.write(load_.policy.account, {store::PutMessage{record}},
                                                  [this](const Expected<void>& written) {
                                                      if (!written && !is_over_) {
                                                          end(written.error());
                                                      }
                                                  }));
}

void Conveyor::deliver_next() {
    if (!can_deliver()) {
        return;
    }
    if (const auto closed = route_.closed(services_.loop.now())) {
        stop(*closed);
        put_off_received();
    }
    if (received_.empty()) {
        end_if_done();
        return;
    }
    Received next = std::move(received_.front());
    received_.pop_front();
    under_way_.push_back({next.job, std::make_unique<Transfer>(
                                        services_, route_, load_.policy, load_.origin,
                                        with_content_key(*next.job, next.message.facts().sha256))});
    Transfer& transfer = *under_way_.back().transfer;
    transfer.start(
        std::move(next.message), [this] { deliver_next(); },
        [this, &transfer](TransferResult result) { on_transferred(transfer, std::move(result)); });
    if (under_way_.size() == 1 || is_planted("two-in-doubt")) {
        transfer.commit();
    }
}

bool Conveyor::can_deliver() const {
    return !is_over_ && (under_way_.empty() ||
                         (under_way_.size() == 1 && under_way_.front().transfer->is_answered()));
}

/// A message without UID is known by its content, and by how many of that content came before it in
/// this session (P-034).
Job Conveyor::with_content_key(const Job& job, const mail::Digest& sha256) {
    Job keyed = job;
    if (!job.record.key.uid.empty()) {
        return keyed;
    }
    store::MessageKey key{content_uid(sha256), 0};
    for (const auto& [number, met] : load_.contents) {
        key.occurrence += met.uid == key.uid ? 1U : 0U;
    }
    load_.contents[job.remote.number] = key;
    keyed.record.key = key;
    const auto known = load_.records.find(key);
    if (known == load_.records.end()) {
        return keyed;
    }
    keyed.record = known->second;
    keyed.record.listed_size = job.remote.size;
    if (known->second.phase != store::Phase::seen) {
        keyed.verify = {
            {sha256, known->second.held_copy ? store::Phase::held : store::Phase::delivered}};
    }
    return keyed;
}

/// Nobody takes them now: they stay on the server.
void Conveyor::put_off_received() {
    for (const Received& received : received_) {
        release(*received.job);
    }
    unsecured_ += received_.size();
    load_.report.put_off += received_.size();
    received_.clear();
}

/// The destination has closed before it was let have them: it gets them another time.
void Conveyor::put_off_uncommitted() {
    if (under_way_.empty() || under_way_.front().transfer->is_answered() ||
        !route_.closed(services_.loop.now())) {
        return;
    }
    release(*under_way_.front().job);
    ++unsecured_;
    ++load_.report.put_off;
    under_way_.pop_front();
}

void Conveyor::on_transferred(const Transfer& transfer, TransferResult result) {
    const auto done = std::find_if(
        under_way_.begin(), under_way_.end(),
        [&](const UnderWay& candidate) { return candidate.transfer.get() == &transfer; });
    POSTRIDER_ASSERT(done != under_way_.end());
    const Job& job = *done->job;
    services_.loop.defer_delete(std::move(done->transfer));
    under_way_.erase(done);
    release(job);
    if (result.local_fault) {
        end(result.local_fault);
        return;
    }
    log(job, result);
    count(result);
    has_met_leftover_ = has_met_leftover_ || (result.was_known && job.record.awaits_quit);
    load_.records.insert_or_assign(result.record.key, result.record);
    put_off_uncommitted();
    if (!under_way_.empty()) {
        under_way_.front().transfer->commit();
    }
    on_progress_();
    fetch_more();
    deliver_next();
}

void Conveyor::count(const TransferResult& result) {
    PollReport& report = load_.report;
    if (!result.trouble.empty() &&
        (!result.is_secured() || report.put_off + report.fetch_refused == 0)) {
        report.last_trouble = result.trouble;
    }
    if (!result.is_secured()) {
        ++unsecured_;
        ++report.put_off;
    } else if (result.record.phase == store::Phase::held && !result.was_known) {
        ++report.held;
    } else if (result.was_delivered) {
        ++report.delivered;
    } else if (result.was_bounced) {
        ++report.bounced;
    } else if (result.was_skipped) {
        ++report.skipped;
    } else if (result.was_discarded) {
        ++report.discarded;
    }
}

void Conveyor::log(const Job& job, const TransferResult& result) {
    const bool is_held = result.record.phase == store::Phase::held && !result.was_known;
    services_.log.info("message", {{"account", load_.policy.account},
                                   {"uid", job.remote.uid},
                                   {"size", job.remote.size},
                                   {"outcome", !result.is_secured()   ? "put-off"
                                               : is_held              ? "held"
                                               : result.was_delivered ? "delivered"
                                               : result.was_bounced   ? "bounced"
                                               : result.was_discarded ? "discarded"
                                               : result.was_skipped   ? "skipped"
                                                                      : "known"},
                                   {"answer", result.record.note}});
}

void Conveyor::session_lost(const Error& error) {
    session_ = nullptr;
    for (const Job* const job : asked_) {
        release(*job);
    }
    asked_.clear();
    stop(error);
    end_if_done();
}

void Conveyor::wind_down(const Error& why) {
    if (next_fetch_ < load_.jobs.size() && !is_over_) {
        stop(why);
    }
    // With nothing asked for or under way it waits for memory: the next turn of that finds the end.
    if (!is_over_ && asked_.empty() && received_.empty() && under_way_.empty()) {
        ending_ = services_.loop.make_timer([this] { end_if_done(); });
        ending_->arm(Duration::zero());
    }
}

void Conveyor::stop(const Error& why) {
    if (!stopped_by_) {
        stopped_by_ = why;
    }
}

void Conveyor::end_if_done() {
    const bool nothing_to_fetch = stopped_by_ || is_enough_ || next_fetch_ == load_.jobs.size();
    if (!is_over_ && nothing_to_fetch && asked_.empty() && received_.empty() &&
        under_way_.empty()) {
        end(std::nullopt);
    }
}

void Conveyor::end(std::optional<Error> local_fault) {
    is_over_ = true;
    under_way_.clear();
    const Done done = std::move(done_);
    done(std::move(local_fault));
}

}  // namespace postrider::engine
