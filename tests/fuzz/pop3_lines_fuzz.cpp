// The reader of reply lines and the one of message bodies, against the plainest way to say what
// they do: the same for every cut of the input.
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "protocol/pop3/line_reader.h"
#include "protocol/pop3/multiline_reader.h"

namespace postrider::pop3 {
namespace {

constexpr std::size_t kLimit = 40;

std::vector<std::string> plain_lines(std::string_view bytes) {
    std::vector<std::string> lines;
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos;
         end = bytes.find('\n')) {
        std::string line(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        const bool has_cr = line.ends_with('\r');
        if (has_cr) {
            line.pop_back();
        }
        if (line.size() > kLimit) {
            return lines;
        }
        lines.push_back(line + (has_cr ? "<CRLF>" : "<LF>"));
    }
    return lines;
}

void check_lines(std::string_view bytes, std::size_t piece_size) {
    LineReader reader;
    std::vector<std::string> lines;
    bool is_too_long = false;
    fuzz::in_pieces(bytes, piece_size, [&](std::string_view piece) {
        while (!is_too_long) {
            const auto read = reader.next(piece, kLimit);
            if (read.outcome == LineReader::Outcome::need_more) {
                return;
            }
            is_too_long = read.outcome == LineReader::Outcome::too_long;
            if (!is_too_long) {
                lines.push_back(std::string(read.text) + (read.bare_lf ? "<LF>" : "<CRLF>"));
            }
        }
    });
    POSTRIDER_ASSERT(lines == plain_lines(bytes));
}

/// Up to the terminator, without stuffing; nothing is said of what has no end.
std::string plain_body(std::string_view bytes, std::string_view line_end, bool& ended) {
    std::string body;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find(line_end);
        const std::size_t length =
            end == std::string_view::npos ? bytes.size() : end + line_end.size();
        std::string_view line = bytes.substr(0, length);
        bytes.remove_prefix(length);
        if (end == 1 && line.front() == '.') {
            ended = true;
            return body;
        }
        if (line.starts_with('.')) {
            line.remove_prefix(1);
        }
        body += line;
    }
    return body;
}

void check_body(std::string_view bytes, std::size_t piece_size, MultilineReader::LineEnd kind) {
    MultilineReader reader(kind);
    std::string body;
    bool ended = false;
    fuzz::in_pieces(bytes, piece_size, [&](std::string_view piece) {
        while (!piece.empty() && !ended) {
            const auto next = reader.next(piece);
            body += next.bytes;
            ended = next.end;
        }
    });
    bool is_to_end = false;
    const std::string expected =
        plain_body(bytes, kind == MultilineReader::LineEnd::lf ? "\n" : "\r\n", is_to_end);
    POSTRIDER_ASSERT(ended == is_to_end);
    // Without an end the last octets may still be held back: ".\r" could become one.
    POSTRIDER_ASSERT(ended ? body == expected : expected.starts_with(body));
}

}  // namespace
}  // namespace postrider::pop3

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    postrider::fuzz::Input input(data, size);
    const std::size_t piece_size = input.octet() % 9;
    using postrider::pop3::MultilineReader;
    postrider::pop3::check_lines(input.rest(), piece_size);
    postrider::pop3::check_body(input.rest(), piece_size, MultilineReader::LineEnd::crlf);
    postrider::pop3::check_body(input.rest(), piece_size, MultilineReader::LineEnd::lf);
    return 0;
}
