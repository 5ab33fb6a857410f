#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/mail/address.h"

namespace postrider::engine {

// Numbers of design section 2, "Failures", and of invariants I7 and I9.
inline constexpr std::uint32_t kPoisonAfter = 5;  ///< refused fetches of one message in a row
inline constexpr Duration kPoisonRetry = std::chrono::hours(24);
inline constexpr Duration kQuotaPatience = std::chrono::hours(72);  ///< 552 counts as 4xx so long
inline constexpr Duration kForgetAfter = std::chrono::hours(24);    ///< between two absences
inline constexpr std::size_t kDoubtFrom = 200;  ///< known messages, for I9 to be judged at all
inline constexpr std::size_t kFetchRefusalsInRow = 3;  ///< then the session ends (Q-004)

/// How one account is treated.
struct AccountPolicy {
    std::string account;                    ///< stable name: the key of all state
    std::vector<mail::Address> recipients;  ///< at least one
    std::optional<Duration> delete_after;   ///< since delivery; zero: now; nothing: never
    bool accept_new_uids = false;           ///< a person has decided on a doubt (I9)
};

}  // namespace postrider::engine
