#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/mail/envelope.h"
#include "postrider/mail/outgoing.h"

namespace postrider::sink {

/// A message as programs and files of this machine get it: the lines of a final delivery on top
/// (RFC 5321 section 4.4), then the message, its lines ended as they are wanted. The canonical form
/// has CR only in CRLF, so leaving every CR out loses nothing. Reads once, front to back.
class LocalContent {
  public:
    LocalContent(std::shared_ptr<const mail::OutgoingMessage> message, std::string top,
                 mail::LineEnds line_ends);

    /// The next piece, empty at the end; valid until the next call. Errors: io.
    [[nodiscard]] Expected<std::string_view> next();

  private:
    // Owners: the transfer, the delivery, and who reads.
    std::shared_ptr<const mail::OutgoingMessage> message_;
    mail::OutgoingMessage::Reader reader_;
    std::string top_;
    mail::LineEnds line_ends_;
    std::string piece_;
};

/// "Return-Path: <...>": what the envelope says, for where there is no envelope.
[[nodiscard]] std::string return_path_line(const mail::Envelope& envelope);

}  // namespace postrider::sink
