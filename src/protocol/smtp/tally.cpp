#include "protocol/smtp/tally.h"

#include <algorithm>

#include "postrider/base/assert.h"

namespace postrider::smtp {

void Tally::conclude(std::size_t recipient, Stage stage, const Reply& reply) {
    Entry& entry = entries_.at(recipient);
    if (entry.standing == Standing::settled) return;
    entry.standing = Standing::settled;
    entry.result.stage = stage;
    entry.result.reply = reply;
}

void Tally::refuse(std::size_t recipient, Stage stage, const Reply& reply) {
    POSTRIDER_ASSERT(!reply.is_positive());
    conclude(recipient, stage, reply);
}

void Tally::refuse_all(Stage stage, const Reply& reply) {
    for (std::size_t i = 0; i < entries_.size(); ++i) refuse(i, stage, reply);
}

void Tally::sender_accepted() {
    for (Entry& entry : entries_) {
        if (entry.standing == Standing::pending) entry.result.stage = Stage::rcpt;
    }
}

void Tally::accept(std::size_t recipient) {
    Entry& entry = entries_.at(recipient);
    if (entry.standing != Standing::pending) return;
    entry.standing = Standing::accepted;
    entry.result.stage = Stage::data;
}

void Tally::content_begins() {
    for (Entry& entry : entries_) {
        if (entry.standing == Standing::accepted) entry.result.stage = Stage::content;
    }
}

void Tally::content_sent() {
    for (Entry& entry : entries_) {
        if (entry.standing == Standing::accepted) entry.result.content_sent = true;
    }
}

void Tally::settle(std::size_t recipient, Stage stage, const Reply& reply) {
    POSTRIDER_ASSERT(!reply.is_positive() || stage == Stage::content);
    if (entries_.at(recipient).standing == Standing::accepted) conclude(recipient, stage, reply);
}

void Tally::settle_accepted(Stage stage, const Reply& reply) {
    for (std::size_t i = 0; i < entries_.size(); ++i) settle(i, stage, reply);
}

std::optional<std::size_t> Tally::next_pending(std::size_t from) const {
    for (std::size_t i = from; i < entries_.size(); ++i) {
        if (entries_[i].standing == Standing::pending) return i;
    }
    return std::nullopt;
}

std::vector<std::size_t> Tally::accepted() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].standing == Standing::accepted) found.push_back(i);
    }
    return found;
}

bool Tally::has_accepted() const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [](const Entry& entry) { return entry.standing == Standing::accepted; });
}

std::vector<RecipientResult> Tally::results() const {
    std::vector<RecipientResult> results;
    results.reserve(entries_.size());
    for (const Entry& entry : entries_) results.push_back(entry.result);
    return results;
}

}  // namespace postrider::smtp
