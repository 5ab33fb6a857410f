#pragma once

#include "postrider/config/config.h"
#include "postrider/config/environment.h"

#include "app/commands/command_line.h"
#include "app/commands/exit_code.h"

namespace postrider::app {

// The commands of design section 5, each in its own file. What they have to say to people goes to
// standard error.

/// Polls the named accounts at the same time, within the limits, and ends.
[[nodiscard]] ExitCode run_once(const config::Config& config, const CommandLine& line);

/// Polls all accounts again and again, until a signal ends it.
[[nodiscard]] ExitCode run_daemon(config::Config config, const config::Environment& environment,
                                  const CommandLine& line);

/// Looks at what is held, delivers it again or gives it up. Only the latter two need the lock on
/// the state directory, and passwords of destinations.
[[nodiscard]] ExitCode run_held(config::Config& config, const config::Environment& environment,
                                const CommandLine& line);

/// Talks to a running daemon: status, poll, pause, resume, reload, trace.
[[nodiscard]] bool is_control(Command command);
[[nodiscard]] ExitCode run_control(const config::Environment& environment, const CommandLine& line);

/// Lists the named mailboxes and shows what a poll would do.
[[nodiscard]] ExitCode run_plan(const config::Config& config, const CommandLine& line);

}  // namespace postrider::app
