#include "postrider/base/time.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <limits>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider {

namespace {

using std::chrono::milliseconds;

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};

// Longest first: the order in which a duration is written.
constexpr std::array<Unit, 5> kUnits = {{
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
}};

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::tm utc(WallTime time) {
    // Not by way of system_clock: its nanoseconds reach to the year 2262 only.
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
}

std::optional<std::int64_t> unit_milliseconds(std::string_view name) {
    for (const Unit& unit : kUnits) {
        if (unit.name == name) {
            return unit.milliseconds;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    std::int64_t total = 0;
    std::int64_t last_unit = std::numeric_limits<std::int64_t>::max();
    if (text.empty()) {
        return std::nullopt;
    }
    while (!text.empty()) {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        const auto number = parse_unsigned(text.substr(0, digits));
        text.remove_prefix(digits);
        const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
        const auto unit = unit_milliseconds(text.substr(0, letters));
        text.remove_prefix(letters);
        if (!number || !unit || *unit >= last_unit ||
            *number > static_cast<std::uint64_t>((kMost - total) / *unit)) {
            return std::nullopt;
        }
        total += static_cast<std::int64_t>(*number) * *unit;
        last_unit = *unit;
    }
    return milliseconds(total);
}

std::string to_text(Duration duration) {
    std::int64_t rest = std::chrono::duration_cast<milliseconds>(duration).count();
    std::string out;
    if (rest < 0) {
        out = "-";
        rest = -rest;
    }
    if (rest == 0) {
        return "0s";
    }
    for (const Unit& unit : kUnits) {
        if (const std::int64_t count = rest / unit.milliseconds; count > 0) {
            out += fmt::format("{}{}", count, unit.name);
            rest %= unit.milliseconds;
        }
    }
    return out;
}

std::string rfc5322_date(WallTime time) {
    const std::tm t = utc(time);
    return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
                       kDays.at(static_cast<std::size_t>(t.tm_wday)), t.tm_mday,
                       kMonths.at(static_cast<std::size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour,
                       t.tm_min, t.tm_sec);
}

std::string iso8601(WallTime time) {
    const std::tm t = utc(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1,
                       t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

std::optional<WallTime> parse_iso8601(std::string_view text) {
    const auto number = [text](std::size_t at, std::size_t digits) {
        return at + digits <= text.size()
                   ? static_cast<int>(parse_unsigned(text.substr(at, digits)).value_or(0))
                   : 0;
    };
    std::tm parts{};
    parts.tm_year = number(0, 4) - 1900;
    parts.tm_mon = number(5, 2) - 1;
    parts.tm_mday = number(8, 2);
    parts.tm_hour = number(11, 2);
    parts.tm_min = number(14, 2);
    parts.tm_sec = number(17, 2);
    const WallTime time{std::chrono::seconds(timegm(&parts))};
    // Whatever was of another form, or no day of the calendar, is written in another way.
    return iso8601(time) == text ? std::optional(time) : std::nullopt;
}

}  // namespace postrider
