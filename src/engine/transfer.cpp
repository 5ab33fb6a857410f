#include "engine/transfer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/planted.h"
#include "postrider/base/text.h"
#include "postrider/mail/date.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/trace.h"

#include "engine/settled.h"

namespace postrider::engine {

namespace {

constexpr const char* kInDoubt =
    "an earlier delivery of it was cut off, and whether it was taken is not known (on_ambiguous: "
    "hold)";

}  // namespace

Transfer::Transfer(Services& services, const Route& route, const AccountPolicy& policy,
                   const Origin& origin, Job job)
    : services_(services),
      route_(route),
      policy_(policy),
      origin_(origin),
      job_(std::move(job)),
      reported_soon_(services.loop.make_timer([this] { on_all_reported(); })),
      end_soon_(services.loop.make_timer([this] { end(); })) {}

void Transfer::start(mail::Message message, Answered answered, Done done) {
    answered_ = std::move(answered);
    done_ = std::move(done);
    result_.record = job_.record;
    store::MessageRecord& record = result_.record;
    if (record.sha256 != message.facts().sha256) {
        forget_other_content();
        record.sha256 = message.facts().sha256;
    }
    record.retry_after.reset();
    record.absent_since.reset();
    if (is_known_content(message.facts().sha256)) {
        record.failures = 0;
        is_answered_ = true;
        this->record();
        return;
    }
    record.phase = store::Phase::seen;
    failures_before_ = record.failures;
    if (const auto prepared = prepare(std::move(message)); !prepared) {
        is_answered_ = true;
        result_.local_fault = prepared.error();
        end_soon_->arm(Duration::zero());
        return;
    }
    if (legs_.empty()) {
        // No mail; or everybody of today's list had it on an earlier day.
        is_answered_ = true;
        this->record();
        return;
    }
    for (Leg& leg : legs_) {
        begin(leg);
    }
    if (is_all_reported()) {
        reported_soon_->arm(Duration::zero());
    } else if (is_committed_) {
        hand_over();
    }
}

void Transfer::commit() {
    if (is_committed_) {
        return;
    }
    is_committed_ = true;
    if (!legs_.empty() && !is_all_reported()) {
        hand_over();
    }
}

/// The record spoke of another message under the same UID and size: who has that does not have
/// this.
void Transfer::forget_other_content() {
    store::MessageRecord& record = result_.record;
    if (record.sha256) {
        record.first_seen = services_.loop.wall_now();
    }
    record.settled_recipients.clear();
    record.in_doubt.clear();
    record.held_copy = false;
    record.delivered_at.reset();
    record.failing_since.reset();
    record.note.clear();
}

bool Transfer::is_known_content(const mail::Digest& sha256) {
    if (!job_.verify) {
        return false;
    }
    const auto known =
        std::find_if(job_.verify->begin(), job_.verify->end(),
                     [&](const KnownContent& content) { return content.sha256 == sha256; });
    if (known == job_.verify->end()) {
        return false;
    }
    result_.was_known = true;
    result_.record.phase = known->phase;
    result_.record.held_copy = known->phase == store::Phase::held;
    if (known->phase == store::Phase::delivered && !result_.record.delivered_at) {
        result_.record.delivered_at = services_.loop.wall_now();
    }
    return true;
}

Expected<void> Transfer::prepare(mail::Message message) {
    const Expected<std::string> head = message.head(mail::kHeaderScanLimit);
    if (!head) {
        return failure(head.error());
    }
    const mail::HeaderScan scan = mail::scan_header(*head);
    const std::string_view header = std::string_view(*head).substr(0, scan.header_octets);
    if (mail::is_folder_data(header)) {
        result_.was_skipped = true;
        result_.record.phase = store::Phase::skipped;
        result_.record.note = "data of the server, no mail";
        return {};
    }
    address(header, scan);
    if (unfit_.empty()) {
        unfit_ = mail::loop_fault(*head, scan, services_.own_host).value_or("");
    }
    const Settled settled(result_.record.settled_recipients, route_);
    for (Destination* const there : route_.destinations()) {
        auto recipients = waiting(settled, *there, envelope_.recipients);
        const bool is_for_nobody = envelope_.recipients.empty() && !settled.has_all(*there);
        if (!recipients.empty() || is_for_nobody) {
            legs_.push_back({there, std::move(recipients)});
        }
    }
    std::string own_header = trace_of(message);
    outgoing_ = std::make_shared<const mail::OutgoingMessage>(
        std::move(message), std::move(own_header),
        mail::header_edits(*head, scan, policy_.delivered_to, envelope_.recipients),
        mail::Provenance{policy_.account, delivery_id_, mail::received_date(header)});
    return {};
}

/// Whom it is from and whom it is for.
void Transfer::address(std::string_view header, const mail::HeaderScan& scan) {
    envelope_ = mail::make_envelope(scan, policy_.recipients);
    switch (policy_.sender.kind) {
        case EnvelopeSender::Kind::return_path:
            break;
        case EnvelopeSender::Kind::null:
        case EnvelopeSender::Kind::fixed:
            envelope_.sender = policy_.sender.fixed;
            break;
    }
    if (!policy_.recipient_rule) {
        return;
    }
    auto recipients = mail::recipients_of(header, *policy_.recipient_rule);
    if (recipients) {
        envelope_.recipients = *std::move(recipients);
    } else if (policy_.recipient_rule->unmatched) {
        envelope_.recipients = {*policy_.recipient_rule->unmatched};
    } else if (!is_planted("nobody-has-it")) {
        unfit_ = recipients.error().text;
    }
}

std::string Transfer::trace_of(const mail::Message& message) {
    delivery_id_ = mail::delivery_id(services_.ledger.installation_key(), policy_.account,
                                     job_.remote.uid, message.facts().sha256);
    mail::Trace trace;
    trace.delivery_id = delivery_id_;
    trace.from_host = origin_.host;
    trace.from_address = origin_.address;
    trace.by_host = services_.own_host;
    trace.with = origin_.transport;
    trace.recipient = envelope_.recipients.size() == 1 ? envelope_.recipients.front().text() : "";
    trace.time = services_.loop.wall_now();
    trace.has_received = policy_.adds_received;
    return mail::trace_header(trace);
}

void Transfer::begin(Leg& leg) {
    const std::vector<std::string>& in_doubt = result_.record.in_doubt;
    Destination& there = *leg.destination;
    if (!unfit_.empty()) {
        leg.is_unfit = true;
        end_leg(leg, sink::Outcome::later, unfit_);
    } else if (there.holds_ambiguous() && !is_planted("doubt-forgotten") &&
               std::find(in_doubt.begin(), in_doubt.end(), there.name()) != in_doubt.end()) {
        end_leg(leg, sink::Outcome::ambiguous, kInDoubt);
    } else if (const auto closed = there.closed(services_.loop.now())) {
        end_leg(leg, sink::Outcome::later, closed->text);
    } else {
        leg.delivery = there.sink().deliver(
            {envelope_.sender, leg.recipients}, outgoing_,
            [this, &leg](sink::DeliveryReport report) { on_report(leg, std::move(report)); });
    }
}

/// Without asking the destination.
void Transfer::end_leg(Leg& leg, sink::Outcome outcome, const std::string& why) {
    leg.delivery.reset();
    leg.report.emplace();
    leg.report->verdicts.assign(leg.recipients.size(), {outcome, 0, "", why});
}

void Transfer::hand_over() {
    std::vector<std::string> doubtful;
    bool is_any_new = false;
    for (const Leg& leg : legs_) {
        const bool is_new = !leg.report && leg.destination->holds_ambiguous();
        if (is_new || (leg.report && is_in_doubt(leg))) {
            doubtful.push_back(leg.destination->name());
        }
        is_any_new = is_any_new || is_new;
    }
    if (!is_any_new) {
        commit_legs();
        return;
    }
    // who ends us now leaves behind that these may have taken it.
    has_intent_ = true;
    store::MessageRecord intent = result_.record;
    intent.in_doubt = std::move(doubtful);
    operation_ = services_.ledger.write(
        policy_.account, {store::PutMessage{std::move(intent)}},
        [this](const Expected<void>& written) {
            if (!written) {
                fail(written.error());
                return;
            }
            if (is_planted("doubt-not-synced")) {
                commit_legs();
                return;
            }
            operation_ = services_.ledger.sync([this](const Expected<void>& durable) {
                if (!durable) {
                    fail(durable.error());
                    return;
                }
                commit_legs();
            });
        });
}

void Transfer::commit_legs() {
    for (Leg& leg : legs_) {
        if (leg.report) {
            continue;
        }
        if (const auto closed = leg.destination->closed(services_.loop.now())) {
            end_leg(leg, sink::Outcome::later, closed->text);
        } else {
            leg.delivery->commit();
        }
    }
    if (is_all_reported() && !is_answered_) {
        reported_soon_->arm(Duration::zero());
    }
}

void Transfer::on_report(Leg& leg, sink::DeliveryReport report) {
    leg.report = std::move(report);
    tell_destination(leg);
    if (is_all_reported()) {
        on_all_reported();
    }
}

bool Transfer::is_all_reported() const {
    return std::all_of(legs_.begin(), legs_.end(),
                       [](const Leg& leg) { return leg.report.has_value(); });
}

void Transfer::tell_destination(const Leg& leg) {
    const MonotonicTime now = services_.loop.now();
    const sink::DeliveryReport& report = *leg.report;
    if (report.fault && report.hung_up) {
        leg.destination->on_hung_up(*report.fault, now, delivery_id_);
        return;
    }
    if (report.fault) {
        leg.destination->on_fault(*report.fault, now);
        return;
    }
    const Judgement judgement = judged(leg);
    if (!judgement.delivered.empty()) {
        leg.destination->on_accepted();
    } else if (!judgement.hold_reason.empty() || !judgement.bounced.empty() ||
               !judgement.discarded.empty()) {
        const bool is_expected = std::all_of(
            report.verdicts.begin(), report.verdicts.end(),
            [&](const sink::Verdict& verdict) { return is_foreseen(policy_.refused, verdict); });
        if (!is_expected) {
            leg.destination->on_refused(in_words({leg.recipients.back(), report.verdicts.back()}));
        }
    } else if (std::any_of(report.verdicts.begin(), report.verdicts.end(),
                           [](const sink::Verdict& verdict) {
                               return verdict.outcome == sink::Outcome::later;
                           })) {
        leg.destination->on_put_off(now, judgement.put_off);
    }
}

Judgement Transfer::judged(const Leg& leg) const {
    return judge(*leg.report, leg.recipients,
                 {{policy_.refused, leg.destination->holds_ambiguous()},
                  result_.record.failing_since,
                  failures_before_ + 1},
                 services_.loop.wall_now());
}

void Transfer::on_all_reported() {
    std::vector<Judgement> judgements;
    bool was_tried = false;
    bool has_hung_up = false;
    for (const Leg& leg : legs_) {
        judgements.push_back(leg.is_unfit ? Judgement() : judged(leg));
        was_tried = was_tried || leg.delivery != nullptr;
        has_hung_up = has_hung_up || leg.report->hung_up;
    }
    if (was_tried) {
        result_.record.failures = has_hung_up ? failures_before_ + 1 : 0;
    }
    auto judgement = judgements.begin();
    for (Leg& leg : legs_) {
        take(leg, std::move(*judgement++));
    }
    is_answered_ = true;
    settle_refused();
    const Answered answered = std::move(answered_);
    answered();
}

void Transfer::take(Leg& leg, Judgement judgement) {
    store::MessageRecord& record = result_.record;
    Settled settled(record.settled_recipients, route_);
    for (const auto* const done : {&judgement.delivered, &judgement.discarded}) {
        for (const mail::Address& recipient : *done) {
            settled.add(*leg.destination, recipient);
        }
    }
    result_.was_delivered = result_.was_delivered || !judgement.delivered.empty();
    result_.was_discarded = result_.was_discarded || !judgement.discarded.empty();
    if (!judgement.note.empty()) {
        record.note = named(leg, judgement.note);
    }
    if (!judgement.hold_reason.empty()) {
        result_.trouble = named(leg, judgement.hold_reason);
    }
    const bool is_other = is_planted("one-way-is-enough") && &leg != &legs_.front();
    if (!judgement.put_off.empty() && !is_other) {
        put_off(named(leg, judgement.put_off));
    }
    if (judgement.lacks_room && !record.failing_since) {
        record.failing_since = services_.loop.wall_now();  // patience ends some day
    }
    leg.held = std::move(judgement.held);
    leg.bounced = std::move(judgement.bounced);
}

void Transfer::put_off(const std::string& why) {
    is_put_off_ = true;
    result_.trouble = why;
}

/// Of several destinations it is told which one said so.
std::string Transfer::named(const Leg& leg, const std::string& words) const {
    return route_.is_single() ? words : leg.destination->name() + ": " + words;
}

/// A message that was merely put off is as it was before: nothing of it needs to be remembered.
bool Transfer::has_news() const {
    const store::MessageRecord& before = job_.record;
    const store::MessageRecord& now = result_.record;
    return has_intent_ || now.phase != store::Phase::seen || now.held_copy != before.held_copy ||
           now.settled_recipients != before.settled_recipients ||
           now.failing_since != before.failing_since || now.failures != before.failures ||
           now.retry_after != before.retry_after;
}

void Transfer::record() {
    store::MessageRecord& record = result_.record;
    if (record.phase == store::Phase::seen) {
        take_stock();
    }
    record.awaits_quit = origin_.consumes_on_settle && record.phase != store::Phase::seen;
    if (!has_news() || is_planted("not-recorded")) {
        end_soon_->arm(Duration::zero());
        return;
    }
    operation_ = services_.ledger.write(policy_.account, {store::PutMessage{record}},
                                        [this](const Expected<void>& written) {
                                            if (!written) {
                                                result_.local_fault = written.error();
                                            }
                                            end();
                                        });
}

/// It may have it, and is to be asked for nothing again.
bool Transfer::is_in_doubt(const Leg& leg) {
    const auto& verdicts = leg.report->verdicts;
    return leg.destination->holds_ambiguous() &&
           std::any_of(verdicts.begin(), verdicts.end(), [](const sink::Verdict& verdict) {
               return verdict.outcome == sink::Outcome::ambiguous;
           });
}

/// What all of it comes to.
void Transfer::take_stock() {
    store::MessageRecord& record = result_.record;
    if (!result_.trouble.empty()) {
        record.note = result_.trouble;
    }
    if (has_held_copy_) {
        // Remembered also while other recipients are still waiting: never to be deleted.
        record.held_copy = true;
    }
    Settled settled(record.settled_recipients, route_);
    record.in_doubt.clear();
    for (const Leg& leg : legs_) {
        // No copy of it could be held: the next attempt has to know, too.
        if (is_in_doubt(leg) && !waiting(settled, *leg.destination, leg.recipients).empty()) {
            record.in_doubt.push_back(leg.destination->name());
        }
    }
    for (const Destination* const there : route_.destinations()) {
        // Of a message for nobody its held copy was told of already.
        if (!envelope_.recipients.empty() &&
            waiting(settled, *there, envelope_.recipients).empty()) {
            settled.add_all(*there);
        }
    }
    if (!is_put_off_) {
        record.phase = record.held_copy ? store::Phase::held : store::Phase::delivered;
        record.failing_since.reset();
        if (record.phase == store::Phase::delivered) {
            record.delivered_at = services_.loop.wall_now();
        }
    }
}

void Transfer::fail(const Error& error) {
    result_.local_fault = error;
    end();
}

void Transfer::end() {
    const Done done = std::move(done_);
    done(std::move(result_));
}

}  // namespace postrider::engine
