#include "app/commands/status_view.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "postrider/base/text.h"

namespace postrider::app {

namespace {

using nlohmann::json;

enum class Colour : std::uint8_t { none, red, yellow, green, dim };

std::string coloured(std::string text, Colour colour, const Look& look) {
    if (!look.has_colours || colour == Colour::none) {
        return text;
    }
    constexpr std::array<std::string_view, 5> kCodes{"0", "1;31", "33", "32", "2"};
    return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(colour)), text);
}

/// Fit for one line of a terminal: no control octets, cut between characters.
std::string line_of(std::string_view text, std::size_t columns) {
    std::string line;
    std::size_t width = 0;
    for (const char c : text) {
        const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
        width += continues ? 0 : 1;
        if (width > columns) {
            break;
        }
        const bool is_control = static_cast<unsigned char>(c) < 0x20U || c == '\x7F';
        line += is_control ? '?' : c;
    }
    return line;
}

/// Of the form that iso8601() writes.
std::optional<WallTime> parse_time(const json& object, const char* key) {
    const std::string text = object.value(key, "");
    if (text.size() != 20) {
        return std::nullopt;
    }
    const auto number = [&text](std::size_t at, std::size_t length) {
        return static_cast<int>(
            parse_unsigned(std::string_view(text).substr(at, length)).value_or(0));
    };
    namespace chrono = std::chrono;
    const chrono::sys_days day{chrono::year(number(0, 4)) /
                               chrono::month(static_cast<unsigned>(number(5, 2))) /
                               chrono::day(static_cast<unsigned>(number(8, 2)))};
    return day + chrono::hours(number(11, 2)) + chrono::minutes(number(14, 2)) +
           chrono::seconds(number(17, 2));
}

/// "45s", "12m", "3h", "5d": the largest unit that fits.
std::string rough(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    if (seconds < 0) {
        return "now";
    }
    if (seconds < 100) {
        return fmt::format("{}s", seconds);
    }
    if (seconds < 100 * 60) {
        return fmt::format("{}m", seconds / 60);
    }
    if (seconds < 48 * 3600) {
        return fmt::format("{}h", seconds / 3600);
    }
    return fmt::format("{}d", seconds / 86400);
}

std::string since(const json& object, const char* key, const Look& look) {
    const auto time = parse_time(object, key);
    return time ? rough(std::max<Duration>(look.now - *time, Duration::zero())) : "-";
}

std::string until(const json& object, const char* key, const Look& look) {
    const auto time = parse_time(object, key);
    return time ? rough(*time - look.now) : "-";
}

/// 0 is worst.
int rank(const json& account) {
    if (account.value("needs_attention", false)) {
        return 0;
    }
    if (account.contains("trouble")) {
        return 1;
    }
    const std::string state = account.value("state", "");
    return state == "polling" ? 2 : state == "due" ? 3 : state == "paused" ? 4 : 5;
}

std::vector<const json*> sorted(const json& accounts) {
    std::vector<const json*> result;
    for (const json& account : accounts) {
        result.push_back(&account);
    }
    const auto key = [](const json* account) {
        const json trouble = account->value("trouble", json::object());
        return std::tuple(rank(*account), trouble.value("since", ""),
                          -account->value("backlog", std::int64_t{0}), account->value("name", ""));
    };
    std::sort(result.begin(), result.end(),
              [&key](const json* a, const json* b) { return key(a) < key(b); });
    return result;
}

struct State {
    std::string word;
    Colour colour = Colour::none;
};

State state_of(const json& account) {
    const std::string state = account.value("state", "");
    switch (rank(account)) {
        case 0:
            return {"attention", Colour::red};
        case 1:
            return {state == "polling" ? state : "trouble", Colour::yellow};
        case 2:
            return {state, Colour::green};
        case 4:
            return {state, Colour::dim};
        default:
            return {state, Colour::none};
    }
}

std::vector<std::string> account_lines(const json& account, const Look& look) {
    const State state = state_of(account);
    const std::string next =
        state.word == "polling" || state.word == "due" ? "now" : until(account, "next_poll", look);
    const std::string line = fmt::format(
        "{:<24} {:<9} {:>8} {:>8} {:>8} {:>8} {:>6}", line_of(account.value("name", ""), 24),
        state.word, since(account, "last_success", look), next, account.value("backlog", 0U),
        account.value("delivered", 0U), account.value("held", 0U));
    std::vector<std::string> lines{coloured(line_of(line, look.columns), state.colour, look)};
    if (account.contains("trouble")) {
        const json& trouble = account.at("trouble");
        lines.push_back(line_of(
            fmt::format("  for {}: {}", since(trouble, "since", look), trouble.value("text", "")),
            look.columns));
    }
    return lines;
}

std::vector<std::string> heading(const json& report, const Look& look) {
    const json daemon = report.value("daemon", json::object());
    std::size_t troubled = 0;
    for (const json& account : report.value("accounts", json::array())) {
        troubled += rank(account) < 2 ? 1U : 0U;
    }
    std::vector<std::string> lines;
    const std::string first =
        fmt::format("postrider {}: {}, {} in trouble, {} being polled, {} waiting for a turn{}",
                    daemon.value("version", ""), counted(daemon.value("accounts", 0U), "account"),
                    troubled, daemon.value("polling", 0U), daemon.value("due", 0U),
                    daemon.value("stopping", false) ? ", STOPPING" : "");
    lines.push_back(line_of(first, look.columns));
    for (const json& destination : report.value("destinations", json::array())) {
        const std::string state = destination.value("state", "open");
        if (state == "open") {
            continue;
        }
        const std::string when =
            destination.contains("until") ? " for " + until(destination, "until", look) : "";
        lines.push_back(coloured(
            line_of(
                fmt::format("destination {} {}{}: {}", destination.value("name", ""), state, when,
                            destination.value("trouble", json::object()).value("text", "")),
                look.columns),
            Colour::red, look));
    }
    lines.push_back(line_of(fmt::format("{:<24} {:<9} {:>8} {:>8} {:>8} {:>8} {:>6}", "ACCOUNT",
                                        "STATE", "LAST OK", "NEXT", "BACKLOG", "MAIL", "HELD"),
                            look.columns));
    return lines;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

}  // namespace

std::string status_table(const json& report, const Look& look) {
    std::vector<std::string> lines = heading(report, look);
    const json accounts = report.value("accounts", json::array());
    std::size_t shown = 0;
    for (const json* account : sorted(accounts)) {
        const std::vector<std::string> own = account_lines(*account, look);
        const bool is_last = shown + 1 == accounts.size();
        if (look.rows > 0 && lines.size() + own.size() + (is_last ? 0 : 1) > look.rows) {
            break;
        }
        lines.insert(lines.end(), own.begin(), own.end());
        ++shown;
    }
    if (shown < accounts.size()) {
        lines.push_back(fmt::format("... and {} more", accounts.size() - shown));
    }
    return joined(lines);
}

std::string status_details(const json& report, const Look& look) {
    const json account = report.value("accounts", json::array()).at(0);
    const json poll = account.value("poll", json::object());
    const json trouble = account.value("trouble", json::object());
    std::string text = fmt::format("{}: {}\n", account.value("name", ""), state_of(account).word);
    const auto add = [&text](std::string_view what, const std::string& value) {
        text += fmt::format("  {:<14} {}\n", what, value);
    };
    if (!poll.empty()) {
        add("polling", fmt::format("for {}: {} listed, {} of {} fetched, {} delivered, {}",
                                   since(account, "since", look), poll.value("listed", 0U),
                                   poll.value("fetched", 0U), poll.value("to_fetch", 0U),
                                   poll.value("delivered", 0U),
                                   human_bytes(poll.value("octets", std::uint64_t{0}))));
    } else if (account.contains("next_poll")) {
        add("next poll", "in " + until(account, "next_poll", look) + " (" +
                             account.value("next_poll", "") + ")");
    }
    add("last success", account.contains("last_success")
                            ? since(account, "last_success", look) + " ago (" +
                                  account.value("last_success", "") + ")"
                            : "none since the daemon started");
    if (!trouble.empty()) {
        add("trouble", fmt::format("for {}, {} in a row: {}", since(trouble, "since", look),
                                   account.value("failures_in_row", 0U),
                                   line_of(trouble.value("text", ""), 4096)));
    }
    add("backlog", counted(account.value("backlog", 0U), "message"));
    add("polls", fmt::format("{}, of which {} failed", account.value("polls", 0U),
                             account.value("polls_failed", 0U)));
    add("messages", fmt::format("{} delivered ({}), {} held, {} put off, {} deleted",
                                account.value("delivered", 0U),
                                human_bytes(account.value("octets", std::uint64_t{0})),
                                account.value("held", 0U), account.value("put_off", 0U),
                                account.value("removed", 0U)));
    const json its_own = account.value("deliver_to", json::array());
    for (const json& destination : report.value("destinations", json::array())) {
        const std::string name = destination.value("name", "");
        if (std::find(its_own.begin(), its_own.end(), name) != its_own.end()) {
            const std::string why =
                line_of(destination.value("trouble", json::object()).value("text", ""), 4096);
            add("destination", fmt::format("{}, {}{}", name, destination.value("state", ""),
                                           why.empty() ? "" : ": " + why));
        }
    }
    return text;
}

}  // namespace postrider::app
