#pragma once

#include <cstdint>

#include "postrider/engine/account_poll.h"

namespace postrider::app {

/// Of sysexits.h (design section 5).
enum class ExitCode : std::uint8_t {
    ok = 0,
    usage = 64,          ///< the command line
    temporary = 75,      ///< some account failed for now, or mail was put off
    login_refused = 77,  ///< some account's password was not taken
    config = 78,         ///< the configuration, or state that a person must look at
};

/// What one poll came to.
[[nodiscard]] ExitCode exit_code_of(const engine::PollReport& report);

/// What one error comes to.
[[nodiscard]] ExitCode exit_code_of(const Error& error);

/// The one of two that more urgently needs a person.
[[nodiscard]] ExitCode worse(ExitCode a, ExitCode b);

}  // namespace postrider::app
