#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postrider::pop3 {

/// Cuts lines out of a byte stream that may arrive in any pieces, and never holds more of a line
/// than its limit. A line ends in CRLF; a bare LF is a fault of the peer (RFC 1939 section 3), a
/// bare CR is a byte like any other.
class LineReader {
  public:
    enum class Outcome : std::uint8_t {
        line,       ///< `text` is a line without its CRLF
        need_more,  ///< the input is used up
        too_long,   ///< over the limit: give up the session
        bare_lf,    ///< ended in LF without CR: give up the session
    };
    struct Result {
        Outcome outcome = Outcome::need_more;
        std::string_view text;  ///< valid until the next call, and as long as the input is
    };

    /// Takes at most one line off the front of `input`. `limit`: octets without the CRLF.
    [[nodiscard]] Result next(std::string_view& input, std::size_t limit);

  private:
    std::string carried_;      ///< the beginning of a line whose end has not come yet
    bool handed_out_ = false;  ///< carried_ holds the line of the last call
};

}  // namespace postrider::pop3
