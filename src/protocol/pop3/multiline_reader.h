#pragma once

#include <cstdint>
#include <string_view>

namespace postrider::pop3 {

/// The body of a multi-line reply as bytes (RFC 1939 section 3): hands out what arrived as spans of
/// the input, without copying, less the one stuffed dot of each line of two or more octets, until
/// CRLF.CRLF. The CRLF before that last dot belongs to the body.
///
/// Only CRLF ends a line (P-004): a dot behind a bare LF or a bare CR is a byte of the message. Who
/// takes it for the end lets a message smuggle another one behind itself. For a server that has
/// ended every line so far in a bare LF, it is LF alone that ends a line. Nothing but three bits of
/// state is carried from one piece of input to the next, whatever the length of a line.
class MultilineReader {
  public:
    enum class LineEnd : std::uint8_t { crlf, lf };

    explicit MultilineReader(LineEnd line_end = LineEnd::crlf) : line_end_(line_end) {}

    struct Piece {
        std::string_view bytes;  ///< into the input, or static
        bool end = false;        ///< the terminator was seen; the reader is at a beginning again
    };

    /// Takes bytes off the front of `input`. An empty piece without `end`: the input is used up.
    [[nodiscard]] Piece next(std::string_view& input);

  private:
    enum class State : std::uint8_t {
        line_start,  ///< at the very beginning, or a line end was the last thing seen
        dot,         ///< a dot at the start of a line, not handed out: stuffing or terminator
        dot_cr,      ///< that dot and a CR, neither handed out
        cr,          ///< inside a line; its last octet is a CR that was handed out
        inside,      ///< inside a line
    };

    [[nodiscard]] Piece take_span(std::string_view& input);
    [[nodiscard]] bool starts_line(std::string_view input, std::size_t at) const;

    LineEnd line_end_;
    State state_ = State::line_start;
};

}  // namespace postrider::pop3
