#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/engine/fate.h"
#include "postrider/mail/address.h"
#include "postrider/sink/sink.h"

namespace postrider::engine {

/// Somebody who did not get it, and why.
struct Refused {
    mail::Address recipient;
    sink::Verdict verdict;
};

/// What the answers of one destination mean for those who were to get a message there.
struct Judgement {
    std::vector<mail::Address> delivered;
    std::vector<mail::Address> discarded;
    std::vector<Refused> held;  ///< to be held
    std::vector<Refused> bounced;
    std::string note;         ///< the answer to the last one delivered or discarded
    std::string put_off;      ///< why somebody is to get it another time; empty if nobody is
    std::string hold_reason;  ///< of the last one to be held
    bool lacks_room = false;  ///< somebody's mailbox is full: patience begins, or goes on
};

/// What is known of the message, and what is wished.
struct JudgementRules {
    FateRules fate;
    std::optional<WallTime> failing_since;
    std::uint32_t failures = 0;  ///< connections lost over it, in a row, this one included
};

/// Pure. `recipients` are those of the report, in its order.
[[nodiscard]] Judgement judge(const sink::DeliveryReport& report,
                              const std::vector<mail::Address>& recipients,
                              const JudgementRules& rules, WallTime now);

/// "alice@localhost: 550 5.1.1 no such user".
[[nodiscard]] std::string in_words(const Refused& refused);

}  // namespace postrider::engine
