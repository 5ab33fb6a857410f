#pragma once

#include <string>

#include "postrider/config/config.h"
#include "postrider/engine/account_poll.h"
#include "postrider/engine/pacing.h"
#include "postrider/engine/route.h"

namespace postrider::app {

/// What the end of a poll means for the account's next one.
[[nodiscard]] engine::Outcome outcome_of(const engine::PollReport& report,
                                         const engine::Route& route, MonotonicTime now);

/// The server wanted longer between two logins than has passed: nothing was tried, nothing failed.
[[nodiscard]] bool is_early(const engine::PollReport& report);

/// The local state cannot be trusted any more in this process: it must end (design section 2).
[[nodiscard]] bool is_fatal(const Error& error);

[[nodiscard]] engine::Pacing pacing_of(const config::AccountConfig& account);

}  // namespace postrider::app
