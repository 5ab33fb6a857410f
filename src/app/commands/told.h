#pragma once

#include <string>
#include <vector>

#include "postrider/base/log.h"
#include "postrider/config/problem.h"
#include "postrider/engine/account_poll.h"
#include "postrider/store/state_dir.h"

namespace postrider::app {

/// A line of text for people: on standard error (design section 5).
void tell(const std::string& line);
void tell(const std::vector<config::Problem>& problems);
/// As a service: the journal learns how bad it is.
void tell_as_service(LogLevel level, const std::string& line);

/// Tells, if so, that what is recorded there is gone with the power.
void warn_if_volatile(const store::StateDir& state);

/// One line that says what a poll came to, and if it failed, why and what to do.
[[nodiscard]] std::string summary(const engine::PollReport& report);

}  // namespace postrider::app
