#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/mail/address.h"
#include "postrider/mail/header_repair.h"
#include "postrider/mail/recipient_rule.h"

namespace postrider::engine {

// Numbers of design section 2, "Failures", and of invariants I7 and I9.
/// Refused fetches of one message, or connections lost over its delivery, in a row.
inline constexpr std::uint32_t kPoisonAfter = 5;
inline constexpr Duration kPoisonRetry = std::chrono::hours(24);
inline constexpr Duration kQuotaPatience = std::chrono::hours(72);  ///< 552 counts as 4xx so long
inline constexpr Duration kForgetAfter = std::chrono::hours(24);    ///< between two absences
inline constexpr std::size_t kDoubtFrom = 200;  ///< known messages, for I9 to be judged at all
inline constexpr std::size_t kFetchRefusalsInRow = 3;  ///< then the session ends (Q-004)

/// What becomes of a message that is listed larger than max_message_size.
enum class Oversize : std::uint8_t {
    skip,  ///< left alone, and looked at again with the next limit
    hold,  ///< recorded as held (without a copy), so that a person sees it
};

enum class Order : std::uint8_t { oldest, newest };

/// What is fetched of a mailbox that was never polled before. The rest is skipped: recorded, never
/// fetched, never deleted.
struct Initial {
    enum class Kind : std::uint8_t {
        all,
        none,   ///< only what comes from now on
        last,   ///< the last `count` of the listing
        since,  ///< what the server received at or after `since`, and what has no readable date
    };
    Kind kind = Kind::all;
    std::size_t count = 0;
    WallTime since{};
};

/// When a session asks for no more, settles, and another one goes on. Whatever comes first.
struct CommitEvery {
    std::optional<std::size_t> messages;
    std::optional<std::uint64_t> octets;  ///< as listed
    std::optional<Duration> time;         ///< since the listing
};

/// What becomes of a message that a destination refuses.
enum class Refusal : std::uint8_t {
    hold,     ///< a durable copy is kept, nothing is deleted
    discard,  ///< it counts as delivered
    bounce,   ///< as that, once its sender was told; held where nobody may be told (bounce.h)
};

struct RefusalPolicy {
    Refusal otherwise = Refusal::hold;
    /// By "550" or "5.7.1"; the enhanced code (RFC 3463) is looked for first.
    std::map<std::string, Refusal, std::less<>> by_code;
};

/// What MAIL FROM says.
struct EnvelopeSender {
    enum class Kind : std::uint8_t {
        return_path,  ///< as the last server wrote it; the null sender if it wrote none
        null,
        fixed,
    };
    Kind kind = Kind::return_path;
    std::optional<mail::Address> fixed;
};

/// How one account is treated.
struct AccountPolicy {
    std::string account;                    ///< stable name: the key of all state
    std::vector<mail::Address> recipients;  ///< at least one, unless recipient_rule finds them
    std::optional<mail::RecipientRule> recipient_rule;
    EnvelopeSender sender;
    mail::DeliveredTo delivered_to = mail::DeliveredTo::rename;
    bool adds_received = true;             ///< our own Received line on top
    std::optional<Duration> delete_after;  ///< since delivery; zero: now; nothing: never
    RefusalPolicy refused;
    bool accept_new_uids = false;  ///< a person has decided on a doubt (I9)

    /// Nothing is deleted that is known for less, whatever delete_after says.
    Duration keep_on_server_at_least = Duration::zero();
    std::optional<std::uint64_t> max_message_size;  ///< octets as listed
    Oversize oversize = Oversize::skip;
    std::optional<std::size_t> max_messages_per_poll;
    CommitEvery commit_every;
    Order order = Order::oldest;
    Initial initial;
};

}  // namespace postrider::engine
