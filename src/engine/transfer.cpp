#include "engine/transfer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"
#include "postrider/engine/fate.h"
#include "postrider/mail/date.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/trace.h"

namespace postrider::engine {

namespace {

std::vector<mail::Address> unsettled(const std::vector<mail::Address>& recipients,
                                     const std::vector<std::string>& settled) {
    std::vector<mail::Address> rest;
    std::copy_if(recipients.begin(), recipients.end(), std::back_inserter(rest),
                 [&](const mail::Address& recipient) {
                     return std::find(settled.begin(), settled.end(), recipient.text()) ==
                            settled.end();
                 });
    return rest;
}

}  // namespace

Transfer::Transfer(Services& services, Destination& destination, const AccountPolicy& policy,
                   const Origin& origin, Job job)
    : services_(services),
      destination_(destination),
      policy_(policy),
      origin_(origin),
      job_(std::move(job)),
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
    if (const auto prepared = prepare(std::move(message)); !prepared) {
        is_answered_ = true;
        result_.local_fault = prepared.error();
        end_soon_->arm(Duration::zero());
        return;
    }
    if (envelope_.recipients.empty()) {
        // Everybody of today's list had it on an earlier day.
        is_answered_ = true;
        this->record();
        return;
    }
    delivery_ = destination_.sink().deliver(
        envelope_, outgoing_, [this](const sink::DeliveryReport& report) { on_report(report); });
    if (is_committed_) {
        delivery_->commit();
    }
}

void Transfer::commit() {
    is_committed_ = true;
    if (delivery_ != nullptr) {
        delivery_->commit();
    }
}

/// The record spoke of another message under the same UID and size: who has that does not have
/// this.
void Transfer::forget_other_content() {
    store::MessageRecord& record = result_.record;
    record.settled_recipients.clear();
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
    envelope_ =
        mail::make_envelope(scan, unsettled(policy_.recipients, result_.record.settled_recipients));
    delivery_id_ = mail::delivery_id(services_.ledger.installation_key(), policy_.account,
                                     job_.remote.uid, message.facts().sha256);
    mail::Trace trace;
    trace.delivery_id = delivery_id_;
    trace.from_host = origin_.host;
    trace.from_address = origin_.address;
    trace.by_host = services_.own_host;
    trace.with = origin_.transport;
    trace.recipient = policy_.recipients.size() == 1 ? policy_.recipients.front().text() : "";
    trace.time = services_.loop.wall_now();
    outgoing_ = std::make_shared<const mail::OutgoingMessage>(
        std::move(message), mail::trace_header(trace), scan.return_path_fields,
        mail::Provenance{policy_.account, delivery_id_, mail::received_date(*head)});
    return {};
}

void Transfer::on_report(const sink::DeliveryReport& report) {
    POSTRIDER_ASSERT(report.verdicts.size() == envelope_.recipients.size());
    store::MessageRecord& record = result_.record;
    record.failures = report.hung_up ? record.failures + 1 : 0;
    for (std::size_t i = 0; i < report.verdicts.size(); ++i) {
        judge(report.verdicts[i], envelope_.recipients[i], report);
    }
    tell_destination(report);
    if (refused_.empty()) {
        this->record();
    } else {
        hold_refused();
    }
    is_answered_ = true;
    const Answered answered = std::move(answered_);
    answered();
}

void Transfer::judge(const sink::Verdict& verdict, const mail::Address& recipient,
                     const sink::DeliveryReport& report) {
    const WallTime now = services_.loop.wall_now();
    const bool is_misconfigured = report.fault && report.fault->retry == Retry::never;
    store::MessageRecord& record = result_.record;
    std::string answer = in_words(verdict);
    Fate fate = fate_of(verdict, record.failing_since, now);
    if (fate == Fate::hold && is_misconfigured) {
        fate = Fate::retry;  // what such a destination refuses says nothing of the message
    } else if (fate == Fate::retry && record.failures >= kPoisonAfter) {
        // Like poison on the fetching side: it shall not hold up the others for ever.
        fate = Fate::hold;
        answer = fmt::format("the destination lost the connection over it {} times in a row: {}",
                             record.failures, answer);
    }
    switch (fate) {
        case Fate::settled:
            record.settled_recipients.push_back(recipient.text());
            result_.was_delivered = true;
            record.note = answer;
            break;
        case Fate::hold:
            refused_.push_back(recipient);
            result_.trouble = recipient.text() + ": " + answer;
            break;
        case Fate::retry:
            put_off(recipient.text() + ": " + answer);
            if (verdict.outcome == sink::Outcome::refused && !record.failing_since) {
                record.failing_since = now;  // patience with a full mailbox ends some day
            }
            break;
    }
}

void Transfer::tell_destination(const sink::DeliveryReport& report) {
    const MonotonicTime now = services_.loop.now();
    if (report.fault && report.hung_up) {
        destination_.on_hung_up(*report.fault, now, delivery_id_);
    } else if (report.fault) {
        destination_.on_fault(*report.fault, now);
    } else if (result_.was_delivered) {
        destination_.on_accepted();
    } else if (!refused_.empty()) {
        destination_.on_refused(result_.trouble);
    } else if (std::any_of(report.verdicts.begin(), report.verdicts.end(),
                           [](const sink::Verdict& verdict) {
                               return verdict.outcome == sink::Outcome::later;
                           })) {
        destination_.on_put_off(now, result_.trouble);
    }
}

void Transfer::hold_refused() {
    store::HeldMessage held;
    held.delivery_id = delivery_id_;
    held.account = policy_.account;
    held.uid = job_.remote.uid;
    held.destination = destination_.name();
    held.held_at = services_.loop.wall_now();
    held.envelope = {envelope_.sender, refused_};
    held.reason = result_.trouble;
    operation_ = services_.held.hold(held, outgoing_, [this](const Expected<void>& kept) {
        if (kept) {
            has_held_copy_ = true;
            for (const mail::Address& recipient : refused_) {
                result_.record.settled_recipients.push_back(recipient.text());
            }
        } else {
            put_off(kept.error().text);
            result_.local_fault = kept.error();
        }
        record();
    });
}

void Transfer::put_off(const std::string& why) {
    is_put_off_ = true;
    result_.trouble = why;
}

/// A message that was merely put off is as it was before: nothing of it needs to be remembered.
bool Transfer::has_news() const {
    const store::MessageRecord& before = job_.record;
    const store::MessageRecord& now = result_.record;
    return now.phase != store::Phase::seen || now.held_copy != before.held_copy ||
           now.settled_recipients != before.settled_recipients ||
           now.failing_since != before.failing_since || now.failures != before.failures ||
           now.retry_after != before.retry_after;
}

void Transfer::record() {
    store::MessageRecord& record = result_.record;
    if (record.phase == store::Phase::seen) {
        if (!result_.trouble.empty()) {
            record.note = result_.trouble;
        }
        if (has_held_copy_) {
            // Remembered also while other recipients are still waiting: never to be deleted.
            record.held_copy = true;
        }
        if (!is_put_off_) {
            record.phase = record.held_copy ? store::Phase::held : store::Phase::delivered;
            record.failing_since.reset();
            if (record.phase == store::Phase::delivered) {
                record.delivered_at = services_.loop.wall_now();
            }
        }
    }
    record.awaits_quit = origin_.consumes_on_settle && record.phase != store::Phase::seen;
    if (!has_news()) {
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

void Transfer::end() {
    const Done done = std::move(done_);
    done(std::move(result_));
}

}  // namespace postrider::engine
