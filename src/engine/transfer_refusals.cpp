// What was refused: copies of it are held, its sender is told.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/mail/bounce.h"

#include "engine/settled.h"
#include "engine/transfer.h"

namespace postrider::engine {

namespace {

/// A message of our own: small, so that it stays in memory.
Expected<std::shared_ptr<const mail::OutgoingMessage>> own_message(const std::string& text) {
    mail::MessageBuilder builder({"", text.size()});
    if (auto taken = builder.append(text); !taken) {
        return failure(taken.error());
    }
    auto message = builder.finish();
    if (!message) {
        return failure(message.error());
    }
    return std::make_shared<const mail::OutgoingMessage>(*std::move(message), "",
                                                         std::vector<mail::Edit>());
}

}  // namespace

/// One after the other: copies of what is to be held, a bounce, and then the record of it all.
void Transfer::settle_refused() {
    for (Leg& leg : legs_) {
        if (!leg.held.empty() || leg.is_unfit) {
            hold(leg);
            return;
        }
    }
    const bool has_to_bounce = std::any_of(legs_.begin(), legs_.end(),
                                           [](const Leg& leg) { return !leg.bounced.empty(); });
    if (has_to_bounce) {
        bounce();
    } else {
        record();
    }
}

void Transfer::hold(Leg& leg) {
    const store::HeldMessage held = held_message(leg);
    if (leg.is_unfit) {
        result_.trouble = named(leg, unfit_);
    }
    operation_ = services_.held.hold(held, outgoing_, [this, &leg](const Expected<void>& kept) {
        if (!kept) {
            put_off(kept.error().text);
            result_.local_fault = kept.error();
            record();
            return;
        }
        has_held_copy_ = true;
        Settled settled(result_.record.settled_recipients, route_);
        if (std::exchange(leg.is_unfit, false)) {
            for (const mail::Address& recipient : leg.recipients) {
                settled.add(*leg.destination, recipient);
            }
            settled.add_all(*leg.destination);
        }
        settle(leg, leg.held);
        settle_refused();
    });
}

store::HeldMessage Transfer::held_message(const Leg& leg) const {
    store::HeldMessage held;
    held.delivery_id = delivery_id_;
    held.account = policy_.account;
    held.uid = job_.remote.uid;
    held.destination = leg.destination->name();
    held.held_at = services_.loop.wall_now();
    held.envelope.sender = envelope_.sender;
    if (leg.is_unfit) {
        held.envelope.recipients = leg.recipients;
        held.reason = unfit_;
        return held;
    }
    for (const Refused& refused : leg.held) {
        held.envelope.recipients.push_back(refused.recipient);
    }
    held.reason = in_words(leg.held.back());
    return held;
}

/// These are done with. Empties the list.
void Transfer::settle(Leg& leg, std::vector<Refused>& done) {
    Settled settled(result_.record.settled_recipients, route_);
    for (const Refused& one : std::exchange(done, {})) {
        settled.add(*leg.destination, one.recipient);
    }
}

void Transfer::bounce() {
    const auto head = outgoing_->received_head(mail::kHeaderScanLimit);
    if (!head) {
        fail(head.error());
        return;
    }
    if (const auto fault = mail::fault_of_bounce(envelope_, *head)) {
        end_bounce(Fate::hold, "not bounced: " + *fault);
        return;
    }
    POSTRIDER_ASSERT(route_.bounces() != nullptr);
    if (const auto closed = route_.bounces()->closed(services_.loop.now())) {
        end_bounce(Fate::retry, closed->text);
        return;
    }
    mail::Bounce bounce{.delivery_id = delivery_id_,
                        .by_host = services_.own_host,
                        .sender = *envelope_.sender,
                        .failed = {},
                        .head = *head,
                        .time = services_.loop.wall_now()};
    for (const Leg& leg : legs_) {
        for (const auto& [recipient, verdict] : leg.bounced) {
            bounce.failed.push_back({recipient, verdict.code, verdict.enhanced, verdict.text});
        }
    }
    auto message = own_message(mail::bounce_text(bounce));
    if (!message) {
        fail(message.error());
        return;
    }
    bouncing_ = route_.bounces()->sink().deliver(
        {std::nullopt, {*envelope_.sender}}, *std::move(message),
        [this](const sink::DeliveryReport& report) { on_bounced(report); });
    bouncing_->commit();
}

void Transfer::on_bounced(const sink::DeliveryReport& report) {
    const sink::Verdict& verdict = report.verdicts.front();
    if (report.fault) {
        route_.bounces()->on_fault(*report.fault, services_.loop.now());
        end_bounce(Fate::retry, "the bounce was put off: " + in_words(verdict));
    } else if (verdict.outcome == sink::Outcome::delivered) {
        end_bounce(Fate::bounce, in_words(verdict));
    } else if (verdict.outcome == sink::Outcome::refused) {
        end_bounce(Fate::hold, "its bounce was refused, too: " + in_words(verdict));
    } else {
        end_bounce(Fate::retry, "the bounce was put off: " + in_words(verdict));
    }
}

/// What becomes of all those whose refusal was to be told to the sender.
void Transfer::end_bounce(Fate fate, const std::string& words) {
    for (Leg& leg : legs_) {
        if (leg.bounced.empty()) {
            continue;
        }
        Refused& last = leg.bounced.back();
        const std::string why = named(leg, in_words(last));
        if (fate == Fate::bounce) {
            result_.was_bounced = true;
            result_.record.note = fmt::format("bounced to the sender ({}): {}", words, why);
            settle(leg, leg.bounced);
        } else if (fate == Fate::hold) {
            last.verdict.text += fmt::format(" ({})", words);
            result_.trouble = named(leg, in_words(last));
            leg.held = std::exchange(leg.bounced, {});
        } else {
            put_off(fmt::format("{} ({})", why, words));
            leg.bounced.clear();
        }
    }
    settle_refused();
}

}  // namespace postrider::engine
