#include "config/retention.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "config/scalars.h"

namespace postrider::config {

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();

constexpr std::array<Choice<Oversize>, 2> kOversizeChoices = {{
    {"skip", Oversize::skip},
    {"hold", Oversize::hold},
}};

constexpr std::array<Choice<Order>, 2> kOrderChoices = {{
    {"oldest", Order::oldest},
    {"newest", Order::newest},
}};

constexpr std::array<Choice<Consumes>, 3> kConsumesChoices = {{
    {"auto", Consumes::automatic},
    {"yes", Consumes::yes},
    {"no", Consumes::no},
}};

constexpr std::array<Choice<FetchWith>, 2> kFetchWithChoices = {{
    {"retr", FetchWith::retr},
    {"top", FetchWith::top},
}};

/// "2026-01-31", the beginning of that day in UTC.
std::optional<WallTime> parse_day(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
        return std::nullopt;
    }
    const auto year = parse_unsigned(text.substr(0, 4));
    const auto month = parse_unsigned(text.substr(5, 2));
    const auto day = parse_unsigned(text.substr(8, 2));
    if (!year || !month || !day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    return date.ok() ? std::optional<WallTime>(std::chrono::sys_days(date)) : std::nullopt;
}

std::optional<Initial> parse_initial(std::string_view text) {
    const std::string_view kind = next_word(text);
    const std::string_view argument = next_word(text);
    if (!trimmed(text).empty()) {
        return std::nullopt;
    }
    if (argument.empty() && kind == "all") {
        return Initial{};
    }
    if (argument.empty() && kind == "new") {
        return Initial{Initial::Kind::fresh, 0, {}};
    }
    if (kind == "last") {
        const auto count = parse_unsigned(argument);
        if (count && *count >= 1 && *count <= kMost) {
            return Initial{Initial::Kind::last, static_cast<std::size_t>(*count), {}};
        }
    }
    if (kind == "since") {
        if (const auto day = parse_day(argument)) {
            return Initial{Initial::Kind::since, 0, *day};
        }
    }
    return std::nullopt;
}

void read_count(Reader& reader, const Value& value, std::optional<std::uint64_t>& into) {
    if (const auto number = reader.number(value, 1, kMost)) {
        into = *number;
    }
}

void read_least_size(Reader& reader, const Value& value, std::optional<std::uint64_t>& into) {
    const auto size = reader.size(value);
    if (size && *size == 0) {
        reader.report(value, "must be more than 0");
    } else if (size) {
        into = *size;
    }
}

void read_commit_messages(Reader& reader, const Value& value, CommitEvery& into) {
    read_count(reader, value, into.messages);
}

void read_commit_size(Reader& reader, const Value& value, CommitEvery& into) {
    read_least_size(reader, value, into.size);
}

void read_commit_time(Reader& reader, const Value& value, CommitEvery& into) {
    if (const auto time = reader.duration(value, std::chrono::seconds(1), std::chrono::hours(24))) {
        into.time = *time;
    }
}

constexpr std::array<Key<CommitEvery>, 3> kCommitEveryKeys = {{
    {"messages", read_commit_messages},
    {"size", read_commit_size},
    {"time", read_commit_time},
}};

}  // namespace

void read_max_message_size(Reader& reader, const Value& value, Retention& into) {
    if (value.kind == Value::Kind::scalar && value.text.reveal() == "none") {
        into.max_message_size.reset();
    } else {
        read_least_size(reader, value, into.max_message_size);
    }
}

void read_oversize(Reader& reader, const Value& value, Retention& into) {
    read_choice(reader, value, kOversizeChoices, into.oversize);
}

void read_max_messages_per_poll(Reader& reader, const Value& value, Retention& into) {
    if (value.kind == Value::Kind::scalar && value.text.reveal() == "all") {
        into.max_messages_per_poll.reset();
    } else {
        read_count(reader, value, into.max_messages_per_poll);
    }
}

void read_commit_every(Reader& reader, const Value& value, Retention& into) {
    into.commit_every = {};
    read_section(reader, value, commit_every_keys(), into.commit_every);
}

void read_order(Reader& reader, const Value& value, Retention& into) {
    read_choice(reader, value, kOrderChoices, into.order);
}

void read_initial(Reader& reader, const Value& value, Retention& into) {
    const auto text = reader.scalar(value);
    if (!text) {
        return;
    }
    if (const auto initial = parse_initial(*text)) {
        into.initial = *initial;
    } else {
        reader.report(value, fmt::format("'{}' is none of: all, new, last 50 (a number), since "
                                         "2026-01-31 (a day)",
                                         escaped(*text, 64)));
    }
}

void read_keep_on_server_at_least(Reader& reader, const Value& value, Retention& into) {
    if (const auto duration =
            reader.duration(value, Duration::zero(), std::chrono::hours(24 * 36500))) {
        into.keep_on_server_at_least = *duration;
    }
}

void read_consumes(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kConsumesChoices, into.consumes);
}

void read_fetch_with(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kFetchWithChoices, into.fetch_with);
}

void read_lang(Reader& reader, const Value& value, AccountConfig& into) {
    constexpr std::size_t kLongest = 64;
    std::string lang;
    reader.text(value, lang);
    const bool is_tag = !lang.empty() && lang.size() <= kLongest &&
                        std::all_of(lang.begin(), lang.end(), [](char c) {
                            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                   (c >= '0' && c <= '9') || c == '-';
                        });
    if (is_tag || lang == "*") {
        into.lang = lang;
    } else if (!lang.empty()) {
        reader.report(value, "is no language tag, such as de or pt-BR");
    }
}

Keys<CommitEvery> commit_every_keys() {
    return kCommitEveryKeys;
}

}  // namespace postrider::config
