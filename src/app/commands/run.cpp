#include <memory>
#include <utility>
#include <vector>

#include "postrider/base/calm_log.h"
#include "postrider/config/secrets.h"

#include "app/assembly/assembly.h"
#include "app/commands/commands.h"
#include "app/commands/told.h"
#include "app/control/control_socket.h"
#include "app/daemon/daemon.h"
#include "app/process/sandbox.h"

namespace postrider::app {

ExitCode run_daemon(config::Config config, const config::Environment& environment,
                    const CommandLine& line) {
    // One account's missing password must not keep the others from being polled: it is told, and
    // again by the account's state.
    for (const config::Problem& problem : config::check_files(config, environment)) {
        tell_as_service(LogLevel::warn, "postrider: warning: " + problem.to_text());
    }
    const std::vector<config::Problem> problems =
        config::resolve_destination_secrets(config, environment);
    if (!problems.empty()) {
        for (const config::Problem& problem : problems) {
            tell_as_service(LogLevel::error, problem.to_text());
        }
        return ExitCode::config;
    }
    if (const Expected<void> made = store::StateDir::make(config.state_dir); !made) {
        tell_as_service(LogLevel::error, "postrider: " + made.error().text);
        return exit_code_of(made.error());
    }
    Sandbox sandbox = Sandbox::enter(config);
    const std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    const Expected<std::unique_ptr<Assembly>> assembly =
        Assembly::make(*loop, config, {.accept_state_loss = line.accept_state_loss},
                       make_calm_log(make_stderr_log(config.log.level, config.log.format),
                                     [&loop] { return loop->now(); }));
    if (!assembly) {
        tell_as_service(LogLevel::error, "postrider: " + assembly.error().text);
        return exit_code_of(assembly.error());
    }
    warn_if_volatile((*assembly)->state());
    Expected<FileHandle> control = listen_at(config.control);
    if (!control) {
        tell_as_service(LogLevel::error, "postrider: " + control.error().text);
        return exit_code_of(control.error());
    }
    Daemon daemon(*loop, **assembly, std::move(config), line.config_file, environment,
                  std::move(*control), std::move(sandbox));
    if (const Expected<void> known = daemon.take_over_pauses(); !known) {
        tell_as_service(LogLevel::error, "postrider: " + known.error().text);
        return exit_code_of(known.error());
    }
    if (const Expected<void> open = daemon.open_metrics(); !open) {
        tell_as_service(LogLevel::error, "postrider: " + open.error().text);
        return exit_code_of(open.error());
    }
    return daemon.run();
}

}  // namespace postrider::app
