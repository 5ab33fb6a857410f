#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/chaos.h"
#include "sim/oracle.h"
#include "sim/trace.h"

namespace postrider::sim {

/// What one run came to.
struct RunResult {
    std::optional<std::string> violation;  ///< the invariant that did not hold, and how
    std::uint64_t sessions = 0;            ///< polls of one account
    std::uint64_t messages = 0;
    std::uint64_t kills = 0;
    std::uint64_t power_cuts = 0;
    std::uint64_t disconnects = 0;
    std::uint64_t ambiguous = 0;  ///< deliveries whose answer never came
    std::array<std::uint64_t, kExcuses> duplicates{};
    std::vector<FaultId> faults;
    std::string trace;  ///< if it was to be kept
};

/// Lets postrider live through some days with mailboxes, destinations and faults that the seed
/// decides, without those that are left out, then through days without faults. Seeds from 1,000,001
/// on know several ways for a message: more than one destination an account, mailboxes for many,
/// and destinations that are not to be asked twice (on_ambiguous: hold).
[[nodiscard]] RunResult run(std::uint64_t seed, const std::set<FaultId>& left_out,
                            Trace::Mode tracing);

}  // namespace postrider::sim
