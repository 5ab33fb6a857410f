#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "postrider/base/time.h"
#include "postrider/sink/sink.h"

namespace postrider::engine {

/// What a verdict means for one recipient of one message.
enum class Fate : std::uint8_t {
    settled,  ///< delivered: done
    hold,     ///< refused for good: a durable copy is kept, nothing is deleted
    retry,    ///< the message stays remote for the next poll
};

/// Design section 2, "Failures"; a full mailbox (552, x.2.2, x.2.3, x.3.4) has kQuotaPatience since
/// `failing_since` to be emptied. Pure.
[[nodiscard]] Fate fate_of(const sink::Verdict& verdict, std::optional<WallTime> failing_since,
                           WallTime now);

/// "550 5.1.1 no such user", or what happened instead of an answer.
[[nodiscard]] std::string in_words(const sink::Verdict& verdict);

}  // namespace postrider::engine
