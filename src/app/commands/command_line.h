#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/time.h"

#include "app/commands/exit_code.h"

namespace postrider::app {

enum class Command : std::uint8_t {
    once,
    run,
    check,
    plan,
    held,
    // These and none before them talk to a running daemon:
    status,
    poll,
    pause,
    resume,
    reload,
    trace,
};

/// `postrider held ...`
struct HeldLine {
    enum class Action : std::uint8_t { list, show, retry, export_one, drop };
    Action action = Action::list;
    std::vector<std::string> ids;  ///< or unambiguous beginnings of ids
    bool all = false;
    std::string to;                       ///< a destination other than the one that refused
    std::vector<std::string> recipients;  ///< to these, not to those who did not get it
    std::string target;                  ///< file or directory to export to; empty: standard output
    std::optional<Duration> older_than;  ///< drop what has been held for longer
    bool yes = false;                    ///< drop without asking
};

struct CommandLine {
    Command command = Command::once;
    std::string config_file;
    std::vector<std::string> accounts;  ///< empty: all
    HeldLine held;
    bool json = false;
    bool watch = false;     ///< status
    bool poll_now = false;  ///< trace
    std::string socket;     ///< of the daemon; empty: the one of the configuration
    bool accept_state_loss = false;
    bool accept_new_uids = false;
};

/// Either what to do, or (help and version printed, or a usage error told) the exit code.
struct ParsedCommandLine {
    std::optional<CommandLine> command_line;
    ExitCode exit_code = ExitCode::ok;
};

[[nodiscard]] ParsedCommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace postrider::app
