#include "app/held/held_work.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"
#include "postrider/engine/fate.h"
#include "postrider/mail/date.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/outgoing.h"
#include "postrider/mail/trace.h"

namespace postrider::app {

namespace {

/// The message as it was received below our own lines: what destinations learn from its header
/// they learn from that one.
Expected<std::shared_ptr<const mail::OutgoingMessage>> outgoing(const store::HeldCopies& copies,
                                                                const store::HeldCopy& copy,
                                                                const mail::Spool& spool) {
    std::string head;
    const auto take_head = [&head](std::string_view piece) -> Expected<void> {
        if (head.size() < mail::kHeaderScanLimit) {
            head += piece;
        }
        return {};
    };
    if (auto read = copies.read(copy, take_head); !read) {
        return failure(read.error());
    }
    const std::size_t own = mail::trace_header_octets(head);
    mail::MessageBuilder builder(spool);
    std::size_t to_skip = own;
    const auto take = [&](std::string_view piece) {
        const std::size_t skipped = std::min(to_skip, piece.size());
        to_skip -= skipped;
        return builder.append(piece.substr(skipped));
    };
    if (auto read = copies.read(copy, take); !read) {
        return failure(read.error());
    }
    auto message = builder.finish();
    if (!message) {
        return failure(message.error());
    }
    return std::make_shared<const mail::OutgoingMessage>(
        *std::move(message), head.substr(0, own), std::vector<mail::Edit>(),
        mail::Provenance{copy.refusals.front().what.account, copy.id,
                         mail::received_date(std::string_view(head).substr(own))});
}

}  // namespace

HeldWork::HeldWork(Place place, OnResult on_result, Done done)
    : place_(std::move(place)), on_result_(std::move(on_result)), done_(std::move(done)) {}

void HeldWork::retry(std::vector<store::HeldCopy> copies, FindSink find_sink, Other other) {
    waiting_.assign(std::make_move_iterator(copies.begin()), std::make_move_iterator(copies.end()));
    find_sink_ = std::move(find_sink);
    other_ = std::move(other);
    place_.loop.defer([this] { next(); });
}

void HeldWork::drop(std::vector<store::HeldCopy> copies) {
    waiting_.assign(std::make_move_iterator(copies.begin()), std::make_move_iterator(copies.end()));
    is_dropping_ = true;
    place_.loop.defer([this] { next(); });
}

/// `then` only if it went well.
void HeldWork::on_disk(std::function<Expected<void>()> job, std::function<void()> then) {
    // Owners: the job, until it is done, and its completion.
    const auto result = std::make_shared<Expected<void>>();
    place_.loop.defer_delete(std::move(operation_));
    operation_ = place_.worker.run([result, job = std::move(job)] { *result = job(); },
                                   [this, result, then = std::move(then)] {
                                       place_.loop.defer_delete(std::move(operation_));
                                       if (!*result) {
                                           fail(result->error());
                                           return;
                                       }
                                       then();
                                   });
}

void HeldWork::next() {
    if (waiting_.empty()) {
        done_({});
        return;
    }
    copy_ = std::move(waiting_.front());
    waiting_.pop_front();
    refusal_ = 0;
    delivered_answer_.clear();
    result_ = {copy_.id, Outcome::delivered, ""};
    if (copy_.refusals.empty()) {
        if (is_dropping_) {
            take_out(Outcome::dropped, "");
        } else {
            note(Outcome::put_off, "its envelope is gone: whom it is for is not known");
            end_copy();
        }
        return;
    }
    with_records([this](const std::vector<store::MessageRecord>& records) {
        if (engine::is_released(records)) {
            take_out(is_dropping_ ? Outcome::dropped : Outcome::known, "");
        } else if (is_dropping_) {
            release(Outcome::dropped,
                    "given up by hand; it was held for: " + copy_.refusals.front().what.reason);
        } else {
            deliver_next();
        }
    });
}

void HeldWork::with_records(std::function<void(const std::vector<store::MessageRecord>&)> use) {
    const std::string account = copy_.refusals.front().what.account;
    if (const auto known = records_.find(account); known != records_.end()) {
        use(known->second[copy_.id]);
        return;
    }
    operation_ = place_.ledger.load(
        account, [this, account, use = std::move(use)](Expected<store::AccountRecords> known) {
            if (!known) {
                fail(known.error());
                return;
            }
            engine::RecordsById& by_id = records_[account] =
                engine::records_by_id(*known, place_.ledger.installation_key(), account);
            use(by_id[copy_.id]);
        });
}

void HeldWork::deliver_next() {
    while (refusal_ < copy_.refusals.size()) {
        store::HeldRefusal& refusal = copy_.refusals[refusal_];
        const std::string& name = destination_of(refusal);
        sink_ = find_sink_(name);
        if (!other_.recipients.empty()) {
            refusal.what.envelope.recipients = other_.recipients;
        }
        if (refusal.what.envelope.recipients.empty()) {
            note(Outcome::put_off, "whom it is for is not known: use --for");
        } else if (sink_ == nullptr) {
            note(Outcome::put_off,
                 fmt::format("the configuration has no destination {}: use --to", escaped(name)));
        } else if (const auto down = down_.find(name); down != down_.end()) {
            note(Outcome::put_off, down->second);
        } else {
            deliver(refusal);
            return;
        }
        ++refusal_;
    }
    end_copy();
}

const std::string& HeldWork::destination_of(const store::HeldRefusal& refusal) const {
    return other_.destination.empty() ? refusal.what.destination : other_.destination;
}

void HeldWork::deliver(const store::HeldRefusal& refusal) {
    // Owners: the job, until it is done, and its completion.
    const auto message = std::make_shared<std::shared_ptr<const mail::OutgoingMessage>>();
    on_disk(
        [message, copies = place_.copies, copy = copy_, spool = place_.spool]() -> Expected<void> {
            auto made = outgoing(copies, copy, spool);
            if (!made) {
                return failure(made.error());
            }
            *message = *std::move(made);
            return {};
        },
        [this, message, envelope = refusal.what.envelope] {
            delivery_ =
                sink_->deliver(envelope, std::move(*message),
                               [this](const sink::DeliveryReport& report) { on_report(report); });
            delivery_->commit();
        });
}

void HeldWork::on_report(const sink::DeliveryReport& report) {
    place_.loop.defer_delete(std::move(delivery_));
    store::HeldRefusal& refusal = copy_.refusals[refusal_];
    if (report.fault) {
        down_[destination_of(refusal)] = report.fault->text;
    }
    std::vector<mail::Address> left;
    bool is_refused = false;
    for (std::size_t i = 0; i < report.verdicts.size(); ++i) {
        const sink::Verdict& verdict = report.verdicts[i];
        if (verdict.outcome == sink::Outcome::delivered) {
            delivered_answer_ = engine::in_words(verdict);
            continue;
        }
        const mail::Address& recipient = refusal.what.envelope.recipients[i];
        const std::string answer = recipient.text() + ": " + engine::in_words(verdict);
        // What a misconfigured destination says is not about this message.
        if (verdict.outcome == sink::Outcome::refused && !report.fault) {
            is_refused = true;
            refusal.what.reason = answer;
            note(Outcome::refused, answer);
        } else {
            note(Outcome::put_off, verdict.outcome == sink::Outcome::ambiguous
                                       ? answer + " (it may have been accepted)"
                                       : answer);
        }
        left.push_back(recipient);
    }
    if (left.empty()) {
        settle_refusal();
        return;
    }
    if (is_refused || left.size() < refusal.what.envelope.recipients.size()) {
        refusal.what.envelope.recipients = std::move(left);
        refusal.what.retries += is_refused ? 1 : 0;
        on_disk([copies = place_.copies, refusal] { return copies.amend(refusal); },
                [this] {
                    ++refusal_;
                    deliver_next();
                });
        return;
    }
    ++refusal_;
    deliver_next();
}

/// The worst that was met is what is told.
void HeldWork::note(Outcome outcome, const std::string& answer) {
    if (result_.outcome != Outcome::put_off) {
        result_.outcome = outcome;
        result_.answer = answer;
    }
}

/// Everybody of this refusal has it now.
void HeldWork::settle_refusal() {
    if (copy_.refusals.size() == 1) {
        release(Outcome::delivered, delivered_answer_);
        return;
    }
    const auto left = std::make_shared<store::HeldCopy>(copy_);
    on_disk([copies = place_.copies, left,
             refusal = refusal_] { return copies.remove(*left, refusal); },
            [this, left] {
                copy_ = std::move(*left);
                deliver_next();
            });
}

/// The ledger first: a copy that nobody wants is harmless, a record without its copy is not.
void HeldWork::release(Outcome outcome, const std::string& note) {
    const std::string account = copy_.refusals.front().what.account;
    std::vector<store::Change> changes =
        engine::released(records_[account][copy_.id], note, place_.loop.wall_now());
    if (changes.empty()) {
        take_out(outcome, note);
        return;
    }
    operation_ = place_.ledger.write(
        account, std::move(changes), [this, outcome, note](const Expected<void>& written) {
            if (!written) {
                fail(written.error());
                return;
            }
            operation_ = place_.ledger.sync([this, outcome, note](const Expected<void>& durable) {
                if (!durable) {
                    fail(durable.error());
                    return;
                }
                take_out(outcome, note);
            });
        });
}

void HeldWork::take_out(Outcome outcome, const std::string& note) {
    on_disk([copies = place_.copies, copy = copy_] { return copies.remove(copy); },
            [this, outcome, note] {
                result_.outcome = outcome;
                result_.answer = note;
                end_copy();
            });
}

void HeldWork::end_copy() {
    on_result_(result_);
    place_.loop.defer([this] { next(); });
}

void HeldWork::fail(const Error& error) {
    done_(failure(error));
}

namespace {

struct Word {
    HeldWork::Outcome outcome;
    std::string_view text;
};
constexpr std::array<Word, 5> kWords{{{HeldWork::Outcome::delivered, "delivered"},
                                      {HeldWork::Outcome::known, "delivered-before"},
                                      {HeldWork::Outcome::refused, "refused"},
                                      {HeldWork::Outcome::put_off, "put-off"},
                                      {HeldWork::Outcome::dropped, "dropped"}}};

}  // namespace

std::string_view to_text(HeldWork::Outcome outcome) {
    return std::find_if(kWords.begin(), kWords.end(),
                        [outcome](const Word& word) { return word.outcome == outcome; })
        ->text;
}

std::optional<HeldWork::Outcome> held_outcome(std::string_view text) {
    const auto* const word = std::find_if(kWords.begin(), kWords.end(),
                                          [text](const Word& one) { return one.text == text; });
    return word == kWords.end() ? std::nullopt : std::optional(word->outcome);
}

}  // namespace postrider::app
