#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/exit_code.h"

namespace postrider::app {

enum class Command : std::uint8_t { once, run, check, plan };

struct CommandLine {
    Command command = Command::once;
    std::string config_file;
    std::vector<std::string> accounts;  ///< empty: all
    bool json = false;
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
