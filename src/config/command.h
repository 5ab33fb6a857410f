#pragma once

#include <string>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/base/time.h"
#include "postrider/config/environment.h"

namespace postrider::config {

struct CommandLimits {
    Duration time{};
    std::size_t output = 0;  ///< octets
};

/// Runs a program without a shell, waits for it, and returns what it wrote to stdout. A program
/// without a slash is searched in PATH of the environment given, which is also the child's. Its
/// stdin is /dev/null; it and what it started is killed when a limit is reached. What it leaves
/// running, as agents are, is not waited for.
/// Errors: config; the text says how it ended and what it wrote to stderr, escaped, never stdout.
[[nodiscard]] Expected<Secret> run_command(const std::vector<std::string>& argv,
                                           const Environment& environment,
                                           const CommandLimits& limits);

/// The file a program name stands for; nothing if there is none that can be run.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name,
                                                      const Environment& environment);

}  // namespace postrider::config
