#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "postrider/base/time.h"

namespace postrider::engine {

/// The hours of the day, local time, in which an account is polled; over midnight if `from` is the
/// later one.
struct ActiveHours {
    Duration from{};  ///< since midnight
    Duration to{};

    /// How long from this time of the day until polls may start; zero: they may.
    [[nodiscard]] Duration wait_at(Duration time_of_day) const;
    bool operator==(const ActiveHours&) const = default;
};

/// How often, when and beside whom one account is polled.
struct Pacing {
    Duration interval = std::chrono::minutes(5);  ///< the shortest, if `most` is longer
    Duration most{};  ///< longer than `interval`: it moves between them with the arrival of mail
    Duration at_least{};  ///< what the provider asks for between two polls, whatever is configured
    std::optional<ActiveHours> active;
    std::string host;  ///< counted for the limit per host
    std::string
        mailbox;  ///< of two accounts with the same one, only one is polled at a time (P-032)
    /// A poll that shows no progress for so long is ended, whatever it waits for.
    Duration patience = std::chrono::minutes(75);
    bool operator==(const Pacing&) const = default;
};

/// What the end of a poll means for the next one.
enum class Ending : std::uint8_t {
    good,
    temporary,      ///< network, busy server, local disk: soon again, then less and less often
    login_refused,  ///< a few more tries, then rarely: servers lock out who hammers
    destination,    ///< nobody takes the mail now: `again_after` says when to look again
    unfit,          ///< not before a person has changed something; looked at rarely
};

struct Outcome {
    Ending ending = Ending::good;
    std::size_t arrived = 0;              ///< messages that are dealt with now and were new
    std::optional<Duration> login_delay;  ///< between logins, as the server says (LOGIN-DELAY)
    std::optional<Duration> again_after;  ///< there is more to do then
    Duration took{};
};

}  // namespace postrider::engine
