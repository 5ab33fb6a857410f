#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "postrider/base/time.h"
#include "postrider/engine/policy.h"
#include "postrider/sink/sink.h"

namespace postrider::engine {

/// What a verdict means for one recipient of one message.
enum class Fate : std::uint8_t {
    settled,  ///< delivered: done
    hold,     ///< refused for good: a durable copy is kept, nothing is deleted
    discard,  ///< refused, and nobody wants it: done
    bounce,   ///< refused, and its sender is to be told
    retry,    ///< the message stays remote for the next poll
};

/// What an account and a destination wish.
struct FateRules {
    const RefusalPolicy& refused;
    bool holds_ambiguous = false;  ///< on_ambiguous: hold
};

/// Design section 2, "Failures"; a full mailbox (552, x.2.2, x.2.3, x.3.4) has kQuotaPatience since
/// `failing_since` to be emptied. Pure.
[[nodiscard]] Fate fate_of(const sink::Verdict& verdict, const FateRules& rules,
                           std::optional<WallTime> failing_since, WallTime now);

/// Did a person foresee this very refusal? Then it says nothing of the destination.
[[nodiscard]] bool is_foreseen(const RefusalPolicy& policy, const sink::Verdict& verdict);

/// "550 5.1.1 no such user", or what happened instead of an answer.
[[nodiscard]] std::string in_words(const sink::Verdict& verdict);

}  // namespace postrider::engine
