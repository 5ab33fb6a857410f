#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/mail/outgoing.h"
#include "postrider/sink/sink.h"
#include "postrider/sink/smtp_sink.h"

namespace postrider::sink {

/// Octets of a line without its CRLF that every server takes (RFC 5321 section 4.5.3.1.6).
inline constexpr std::size_t kMaxLine = 998;

/// Why the policies of the destination do not let it have a message of these facts (S-008, S-010):
/// the verdict of every recipient. Nothing: it may have it.
[[nodiscard]] std::optional<Verdict> refused_by_policy(const ContentPolicy& policy,
                                                       const mail::MessageFacts& facts);

/// The content of one message as its destination wants it: long lines wrapped, NUL octets stripped,
/// where the policies say so and the message needs it; and then a line X-Postrider-Modified that
/// says what was done. What needs nothing is passed on as it is.
class SmtpContent {
  public:
    SmtpContent(std::shared_ptr<const mail::OutgoingMessage> message, const ContentPolicy& policy);

    [[nodiscard]] const mail::OutgoingMessage& message() const { return *message_; }

    /// Octets of all of it. Reads a message that is to be changed once. Errors: io.
    [[nodiscard]] Expected<std::uint64_t> measure() const;

    /// Begins to read, from the front.
    void rewind();
    /// The next piece, empty at the end; valid until the next call. Errors: io.
    [[nodiscard]] Expected<std::string_view> next();

  private:
    void rewrite(std::string_view piece);
    void put(char octet);

    std::shared_ptr<const mail::OutgoingMessage> message_;
    bool strips_ = false;
    bool wraps_ = false;
    std::optional<mail::OutgoingMessage::Reader> reader_;
    std::string rewritten_;
    std::size_t column_ = 0;  ///< octets in the line so far
    bool is_marked_ = false;  ///< X-Postrider-Modified is out
};

}  // namespace postrider::sink
