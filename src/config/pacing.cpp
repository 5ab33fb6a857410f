#include "config/pacing.h"

#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::config {

namespace {

constexpr Duration kShortest = std::chrono::seconds(1);
constexpr Duration kLongest = std::chrono::hours(24 * 365);

template <Duration PollRange::*kMember>
void read_bound(Reader& reader, const Value& value, PollRange& into) {
    if (const auto duration = reader.duration(value, kShortest, kLongest)) {
        into.*kMember = *duration;
    }
}

constexpr std::array<Key<PollRange>, 2> kRangeKeys = {{
    {"min", read_bound<&PollRange::min>},
    {"max", read_bound<&PollRange::max>},
}};

/// "07:00"; 24:00 is the end of the day.
std::optional<Duration> parse_time(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon > 2 || text.size() != colon + 3) {
        return std::nullopt;
    }
    const auto hours = parse_unsigned(text.substr(0, colon));
    const auto minutes = parse_unsigned(text.substr(colon + 1));
    if (!hours || !minutes || *minutes > 59 || *hours * 60 + *minutes > 24 * 60UL) {
        return std::nullopt;
    }
    return std::chrono::minutes(static_cast<int>(*hours * 60 + *minutes));
}

std::optional<ActiveHours> parse_hours(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto from = parse_time(trimmed(text.substr(0, dash)));
    const auto to = parse_time(trimmed(text.substr(dash + 1)));
    if (!from || !to || *from == *to) {
        return std::nullopt;
    }
    return ActiveHours{*from, *to};
}

}  // namespace

Keys<PollRange> poll_every_keys() {
    return kRangeKeys;
}

void read_poll_every(Reader& reader, const Value& value, AccountConfig& into) {
    if (value.kind != Value::Kind::map) {
        if (const auto duration = reader.duration(value, kShortest, kLongest)) {
            into.poll_every = *duration;
            into.poll_every_most = Duration::zero();
        }
        return;
    }
    PollRange range;
    read_section(reader, value, poll_every_keys(), range);
    if (range.min > range.max) {
        reader.report(value, fmt::format("min, {}, is longer than max, {}", to_text(range.min),
                                         to_text(range.max)));
        return;
    }
    into.poll_every = range.min;
    into.poll_every_most = range.max;
}

void read_poll_at_least(Reader& reader, const Value& value, AccountConfig& into) {
    if (const auto duration = reader.duration(value, Duration::zero(), kLongest)) {
        into.poll_at_least = *duration;
    }
}

void read_active(Reader& reader, const Value& value, AccountConfig& into) {
    const auto text = reader.scalar(value);
    if (!text) {
        return;
    }
    if (*text == "always") {
        into.active = std::nullopt;
    } else if (const auto hours = parse_hours(*text)) {
        into.active = hours;
    } else {
        reader.report(value, fmt::format("'{}' is neither always nor hours of the day such as "
                                         "07:00-23:00 or 22:00-06:00",
                                         escaped(*text, 64)));
    }
}

}  // namespace postrider::config
