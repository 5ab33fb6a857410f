#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace postrider {

using Duration = std::chrono::nanoseconds;

/// Tag of the clock that only goes forward: deadlines and intervals. Ask event::Loop::now().
struct MonotonicClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock>;
    // NOLINTNEXTLINE(readability-identifier-naming): the name that std::chrono asks for
    static constexpr bool is_steady = true;
};
using MonotonicTime = MonotonicClock::time_point;

/// The calendar: dates in headers, ages in the ledger. Ask event::Loop::wall_now(). May jump.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// "30s", "5m", "2h", "14d", "1h30m", "500ms"; nothing if it is none of these.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

/// The shortest of the forms above that says it exactly to the millisecond.
[[nodiscard]] std::string to_text(Duration duration);

/// RFC 5322 section 3.3 date-time in UTC: "Mon, 23 Nov 2026 02:06:00 +0000".
[[nodiscard]] std::string rfc5322_date(WallTime time);

/// "2026-11-23T02:06:00Z".
[[nodiscard]] std::string iso8601(WallTime time);

/// What iso8601() writes; nothing if it is of another form or no time of the calendar.
[[nodiscard]] std::optional<WallTime> parse_iso8601(std::string_view text);

}  // namespace postrider
