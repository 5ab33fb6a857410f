#include "protocol/smtp/reply_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::smtp {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// RFC 5321 section 4.2.1: three digits. 1yz has no meaning in SMTP, and nothing is above 5yz.
/// Then a blank, a hyphen, or nothing at all. No octet behind the line's end is looked at: a reply
/// may be as short as "250" (CVE-2025-61962).
bool is_reply_line(std::string_view line) {
    return line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
           is_digit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

/// One to three digits off the front of `text`; false if there are none or more.
bool take_number(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const auto digits = static_cast<std::size_t>(end - text.begin());
    text.remove_prefix(digits);
    return digits >= 1 && digits <= 3;
}

bool take_dot(std::string_view& text) {
    const bool found = text.starts_with('.');
    text.remove_prefix(found ? 1 : 0);
    return found;
}

/// The enhanced code that `text` begins with (RFC 3463 section 2), of the class that the reply
/// code's first digit tells (RFC 2034 section 4), or empty.
std::string_view enhanced_code(std::string_view text, char code_class) {
    if (text.empty() || text.front() != code_class || code_class == '3') return {};
    std::string_view rest = text.substr(1);
    const bool is_code = take_dot(rest) && take_number(rest) && take_dot(rest) &&
                         take_number(rest) && (rest.empty() || rest.front() == ' ');
    return is_code ? text.substr(0, text.size() - rest.size()) : std::string_view{};
}

}  // namespace

Expected<std::optional<Reply>> ReplyReader::read(std::string_view& input) {
    while (!input.empty()) {
        const auto ended = take_line(input);
        if (!ended) return failure(ended.error());
        if (!*ended) continue;
        const auto complete = parse_line();
        if (!complete) return failure(complete.error());
        if (!*complete) continue;
        lines_ = 0;
        return std::exchange(reply_, {});
    }
    return std::nullopt;
}

/// Moves bytes from `input` to line_, up to an LF. True: line_ is a whole line.
Expected<bool> ReplyReader::take_line(std::string_view& input) {
    const std::size_t room = line_limit_ + 2 - line_.size();
    const std::size_t newline = input.substr(0, room).find('\n');
    const bool has_newline = newline != std::string_view::npos;
    const std::size_t taken = has_newline ? newline + 1 : std::min(room, input.size());
    line_.append(input.substr(0, taken));
    input.remove_prefix(taken);

    bool ended = false;
    if (has_newline) {
        const bool has_cr = line_.ends_with("\r\n");
        if (line_end_ == LineEnd::undecided) line_end_ = has_cr ? LineEnd::crlf : LineEnd::lf;
        ended = has_cr || line_end_ == LineEnd::lf;
        if (ended) line_.resize(line_.size() - (has_cr ? 2 : 1));
    }
    const std::size_t content = line_.size() - (!ended && line_.ends_with('\r') ? 1 : 0);
    if (content > line_limit_) {
        return failure(
            Errc::limit, Retry::later,
            fmt::format("the server sent a reply line of more than {} octets", line_limit_));
    }
    return ended;
}

/// Adds the whole line in line_ to the reply. True: it was the last one.
Expected<bool> ReplyReader::parse_line() {
    const std::string line = std::exchange(line_, {});
    if (!is_reply_line(line)) {
        return failure(Errc::protocol, Retry::later,
                       fmt::format("the server sent what is no SMTP reply: \"{}\"", escaped(line)));
    }
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (lines_ > 0 && code != reply_.code) {
        return failure(
            Errc::protocol, Retry::later,
            fmt::format("the server mixed codes {} and {} in one reply", reply_.code, code));
    }
    if (++lines_ > kMaxReplyLines) {
        return failure(
            Errc::limit, Retry::later,
            fmt::format("the server sent a reply of more than {} lines", kMaxReplyLines));
    }
    const std::string_view text =
        std::string_view(line).substr(std::min<std::size_t>(4, line.size()));
    const std::string_view enhanced = enhanced_code(text, line[0]);
    if (lines_ == 1) {
        reply_.code = code;
        reply_.enhanced = enhanced;
    }
    // RFC 2034 section 4 repeats the enhanced code on every line; said once is enough.
    const bool repeats = !enhanced.empty() && enhanced == reply_.enhanced;
    const std::size_t skip = repeats ? std::min(enhanced.size() + 1, text.size()) : 0;
    const auto added = add_text(text.substr(skip));
    if (!added) return failure(added.error());
    return line.size() == 3 || line[3] == ' ';
}

Expected<void> ReplyReader::add_text(std::string_view text) {
    if (lines_ > 1) reply_.text += '\n';
    reply_.text.append(text);
    if (reply_.text.size() > kMaxReplyText) {
        return failure(
            Errc::limit, Retry::later,
            fmt::format("the server sent a reply of more than {} octets", kMaxReplyText));
    }
    return {};
}

}  // namespace postrider::smtp
