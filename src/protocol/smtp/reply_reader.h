#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/protocol/smtp/dialogue.h"

namespace postrider::smtp {

/// Cuts the bytes of a server into replies (RFC 5321 section 4.2), at any split, within kMaxReply*.
///
/// Line ends: the first line decides. If it ends in CRLF, only CRLF ends a line for good and a bare
/// LF is text like any other octet; if it ends in a bare LF, the server is one that never sends CR,
/// and LF ends its lines. So a server that repeats a sender's words with a bare LF in them cannot
/// be made to utter a reply of the sender's choice: in LMTP that would be another recipient's
/// "250".
class ReplyReader {
  public:
    /// Takes bytes off the front of `input`, never more than to the end of one reply. Nothing: the
    /// reply is not complete and `input` is empty now.
    /// Errors: protocol, limit. The reader is of no use after one.
    [[nodiscard]] Expected<std::optional<Reply>> read(std::string_view& input);

    /// A reply may be as long as a SASL challenge (P-014), from now on or no longer.
    void allow_challenge(bool allowed) {
        line_limit_ = allowed ? kMaxReplyText + 4 : kMaxReplyLine;
    }

    /// No reply has begun.
    [[nodiscard]] bool is_idle() const { return line_.empty() && lines_ == 0; }

  private:
    enum class LineEnd : std::uint8_t { undecided, crlf, lf };

    [[nodiscard]] Expected<bool> take_line(std::string_view& input);
    [[nodiscard]] Expected<bool> parse_line();
    [[nodiscard]] Expected<void> add_text(std::string_view text);

    LineEnd line_end_ = LineEnd::undecided;
    std::string line_;       // so far; complete: without its line end
    Reply reply_;            // of the lines so far
    std::size_t lines_ = 0;  // how many of them
    std::size_t line_limit_ = kMaxReplyLine;
};

}  // namespace postrider::smtp
