#include "protocol/pop3/reply.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "protocol/pop3/advice.h"

namespace postrider::pop3 {

namespace {

constexpr std::string_view kOk = "+OK";
constexpr std::string_view kErr = "-ERR";

/// Is `line` this indicator and then a blank or nothing?
bool has_indicator(std::string_view line, std::string_view indicator) {
    if (!istarts_with(line, indicator)) {
        return false;
    }
    const std::string_view rest = line.substr(indicator.size());
    return rest.empty() || rest.front() == ' ' || rest.front() == '\t' || rest.front() == '\r';
}

/// "SYS/TEMP" of "[SYS/TEMP] mailbox is being moved"; empty where there is no code.
std::string_view response_code(std::string_view text) {
    if (!text.starts_with('[')) {
        return {};
    }
    const std::size_t end = text.find(']');
    return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
}

/// Codes are hierarchic (RFC 2449 section 8): "SYS/TEMP/DISK" is a kind of "SYS/TEMP".
bool is_code(std::string_view code, std::string_view wanted) {
    return istarts_with(code, wanted) &&
           (code.size() == wanted.size() || code[wanted.size()] == '/');
}

bool is_busy_code(std::string_view code) {
    constexpr std::array<std::string_view, 3> kBusyCodes{"IN-USE", "SYS/TEMP", "LOGIN-DELAY"};
    return std::any_of(kBusyCodes.begin(), kBusyCodes.end(),
                       [code](std::string_view busy) { return is_code(code, busy); });
}

}  // namespace

Reply parse_reply(std::string_view line) {
    if (has_indicator(line, kOk)) {
        return {Status::ok, trimmed(line.substr(kOk.size()))};
    }
    if (has_indicator(line, kErr)) {
        return {Status::err, trimmed(line.substr(kErr.size()))};
    }
    if (line == "+" || line.starts_with("+ ")) {
        return {Status::challenge, trimmed(line.substr(1))};
    }
    return {};
}

bool may_begin_reply(std::string_view bytes) {
    return istarts_with(kOk, bytes.substr(0, kOk.size())) ||
           istarts_with(kErr, bytes.substr(0, kErr.size()));
}

Error refusal(const Refused& refused, std::string_view line, const Quoter& quoter) {
    const std::string_view text = parse_reply(line).text;
    const std::string_view code = response_code(text);
    const std::string said = quoter.quoted(line);
    const Advice advice = advice_on(text, refused.user);
    const bool is_login = refused.code == Errc::login_refused;
    if (is_busy_code(code) || (code.empty() && advice.hint == Hint::busy)) {
        const bool has_more = advice.hint == Hint::busy && !advice.text.empty();
        return {Errc::busy, Retry::later,
                fmt::format("{} was refused for now: the server said {}; {}", refused.asked, said,
                            has_more ? advice.text : "try again later")};
    }
    // "[SYS/PERM] not enabled for POP access": for good, until somebody enables it.
    const bool is_for_a_person =
        advice.hint == Hint::login && is_login &&
        (code.empty() || (is_code(code, "SYS/PERM") && !advice.text.empty()));
    if (is_code(code, "AUTH") || is_for_a_person) {
        std::string_view todo =
            is_login && !refused.advice.empty() ? refused.advice : "check user and password";
        if (advice.hint == Hint::login && !advice.text.empty()) {
            todo = advice.text;
        }
        return {Errc::login_refused, Retry::never,
                fmt::format("{} was refused: the server said {}; {}", refused.asked, said, todo)};
    }
    if (is_code(code, "SYS/PERM")) {
        return {Errc::refused, Retry::never,
                fmt::format("{} was refused for good: the server said {}; "
                            "ask who runs the server",
                            refused.asked, said)};
    }
    return {refused.code, refused.retry,
            fmt::format("{} was refused: the server said {}{}{}", refused.asked, said,
                        refused.advice.empty() ? "" : "; ", refused.advice)};
}

}  // namespace postrider::pop3
