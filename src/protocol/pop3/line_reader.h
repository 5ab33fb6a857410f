#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postrider::pop3 {

/// Cuts lines out of a byte stream that may arrive in any pieces, and never holds more of a line
/// than its limit. A line ends in CRLF; whether one that ends in a bare LF is a fault of the peer
/// (RFC 1939 section 3) is for others to say. A bare CR is a byte like any other.
class LineReader {
  public:
    enum class Outcome : std::uint8_t {
        line,       ///< `text` is a line without its line end
        need_more,  ///< the input is used up
        too_long,   ///< over the limit: give up the session
    };
    struct Result {
        Outcome outcome = Outcome::need_more;
        std::string_view text;  ///< valid until the next call, and as long as the input is
        bool bare_lf = false;   ///< the line ended in LF without CR
    };

    /// Takes at most one line off the front of `input`. `limit`: octets without the CRLF.
    [[nodiscard]] Result next(std::string_view& input, std::size_t limit);

  private:
    std::string carried_;      ///< the beginning of a line whose end has not come yet
    bool handed_out_ = false;  ///< carried_ holds the line of the last call
};

}  // namespace postrider::pop3
