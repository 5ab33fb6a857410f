#include "protocol/pop3/multiline_reader.h"

#include <cstddef>

namespace postrider::pop3 {

namespace {

/// Where the octet behind the next LF is, looking from `from`; past the end if there is no LF.
std::size_t next_line(std::string_view input, std::size_t from) {
    const std::size_t lf = input.find('\n', from);
    return lf == std::string_view::npos ? lf : lf + 1;
}

}  // namespace

MultilineReader::Piece MultilineReader::next(std::string_view& input) {
    while (!input.empty()) {
        const char first = input.front();
        if (state_ == State::line_start && first == '.') {
            state_ = State::dot;
            input.remove_prefix(1);
        } else if (state_ == State::dot && first == '\r' && line_end_ == LineEnd::crlf) {
            state_ = State::dot_cr;
            input.remove_prefix(1);
        } else if (first == '\n' && (state_ == State::dot_cr ||
                                     (state_ == State::dot && line_end_ == LineEnd::lf))) {
            state_ = State::line_start;
            input.remove_prefix(1);
            return {{}, true};
        } else if (state_ == State::dot_cr) {
            // ".\r" and no LF: a stuffed line that begins with a bare CR. The CR may have come with
            // an earlier piece, so it is told from here.
            state_ = State::cr;
            return {"\r", false};
        } else {
            return take_span(input);
        }
    }
    return {};
}

/// Everything up to the next dot that starts a line. The first octet is content in every state that
/// comes here; a stuffed dot is already left out.
MultilineReader::Piece MultilineReader::take_span(std::string_view& input) {
    // memchr() finds the line ends; only what follows one is looked at.
    std::size_t dot = next_line(input, 0);
    while (dot < input.size() && !(input[dot] == '.' && starts_line(input, dot))) {
        dot = next_line(input, dot);
    }
    const std::string_view span = input.substr(0, dot);
    if (starts_line(input, span.size())) {
        state_ = State::line_start;
    } else {
        state_ = span.back() == '\r' ? State::cr : State::inside;
    }
    input.remove_prefix(span.size());
    return {span, false};
}

/// Is the octet at `at` (> 0) preceded by a line end, the CR of which may have come with earlier
/// input?
bool MultilineReader::starts_line(std::string_view input, std::size_t at) const {
    if (input[at - 1] != '\n') {
        return false;
    }
    if (line_end_ == LineEnd::lf) {
        return true;
    }
    return at >= 2 ? input[at - 2] == '\r' : state_ == State::cr;
}

}  // namespace postrider::pop3
