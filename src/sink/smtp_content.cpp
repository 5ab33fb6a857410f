#include "sink/smtp_content.h"

#include <utility>

#include <fmt/format.h>

namespace postrider::sink {

namespace {

/// How many octets the UTF-8 sequence has that begins with this one; they stay in one line.
std::size_t sequence_of(char first) {
    const auto octet = static_cast<unsigned char>(first);
    if (octet < 0xC0) {
        return 1;
    }
    return octet < 0xE0 ? 2 : octet < 0xF0 ? 3 : 4;
}

}  // namespace

std::optional<Verdict> refused_by_policy(const ContentPolicy& policy,
                                         const mail::MessageFacts& facts) {
    if (policy.nul == NulOctets::hold && facts.has_nul) {
        return Verdict{
            Outcome::refused, 554, "5.6.0",
            fmt::format("message of {} octets with NUL among them (nul: hold)", facts.size)};
    }
    if (policy.long_lines == LongLines::hold && facts.longest_line > kMaxLine) {
        return Verdict{Outcome::refused, 554, "5.6.0",
                       fmt::format("a line of {} octets, more than {} (long_lines: hold)",
                                   facts.longest_line, kMaxLine)};
    }
    return std::nullopt;
}

SmtpContent::SmtpContent(std::shared_ptr<const mail::OutgoingMessage> message,
                         const ContentPolicy& policy)
    : message_(std::move(message)),
      strips_(policy.nul == NulOctets::strip && message_->facts().has_nul),
      wraps_(policy.long_lines == LongLines::wrap && message_->facts().longest_line > kMaxLine) {}

Expected<std::uint64_t> SmtpContent::measure() const {
    if (!strips_ && !wraps_) {
        return message_->size();
    }
    SmtpContent again = *this;
    again.rewind();
    std::uint64_t octets = 0;
    while (true) {
        const Expected<std::string_view> piece = again.next();
        if (!piece) {
            return failure(piece.error());
        }
        if (piece->empty()) {
            return octets;
        }
        octets += piece->size();
    }
}

void SmtpContent::rewind() {
    reader_.emplace(*message_);
    column_ = 0;
    is_marked_ = false;
}

Expected<std::string_view> SmtpContent::next() {
    if (!strips_ && !wraps_) {
        return reader_->next();
    }
    rewritten_.clear();
    while (rewritten_.empty()) {
        Expected<std::string_view> piece = reader_->next();
        if (!piece || piece->empty()) {
            return piece;
        }
        rewrite(*piece);
    }
    return std::string_view(rewritten_);
}

void SmtpContent::rewrite(std::string_view piece) {
    for (const char octet : piece) {
        if (strips_ && octet == '\0') {
            continue;
        }
        put(octet);
        if (octet == '\n' && !is_marked_) {
            // Behind our own first line, which stays the topmost.
            is_marked_ = true;
            rewritten_ += fmt::format("X-Postrider-Modified: {}{}{}\r\n", strips_ ? "nul" : "",
                                      strips_ && wraps_ ? ", " : "", wraps_ ? "long-lines" : "");
        }
    }
}

void SmtpContent::put(char octet) {
    if (octet == '\r' || octet == '\n') {
        column_ = 0;
    } else if (wraps_ && column_ + sequence_of(octet) > kMaxLine) {
        rewritten_ += "\r\n ";
        column_ = 2;
    } else {
        ++column_;
    }
    rewritten_ += octet;
}

}  // namespace postrider::sink
