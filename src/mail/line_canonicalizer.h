#pragma once

#include <cstdint>
#include <string_view>

#include "postrider/base/error.h"

#include "mail/message_store.h"

namespace postrider::mail {

/// Turns every line end into CRLF (S-001): CRLF stays, a bare LF and a bare CR become CRLF, the
/// last line gets an end if it has none. What comes out holds no CR and no LF outside of CRLF, so
/// that no two readers can disagree about where a line, and with it the message, ends.
///
/// Mail is nearly always canonical already: it is looked through with memchr and passed on in spans
/// as long as the pieces came in.
class LineCanonicalizer {
  public:
    /// Errors: those of `out`.
    [[nodiscard]] Expected<void> append(std::string_view received, MessageStore& out);
    [[nodiscard]] Expected<void> finish(MessageStore& out);

    [[nodiscard]] std::uint64_t longest_line() const { return longest_; }

  private:
    [[nodiscard]] Expected<void> pass(std::string_view text, MessageStore& out);
    void end_line(std::uint64_t octets);

    bool cr_pending_ = false;  ///< the last piece ended in a CR; the next one tells what it is
    std::uint64_t line_ = 0;   ///< octets of the current line in earlier pieces
    std::uint64_t longest_ = 0;
};

}  // namespace postrider::mail
