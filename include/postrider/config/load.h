#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/config/problem.h"

namespace postrider::config {

// Limits on a configuration file.
inline constexpr std::size_t kMaxFile = 1024UL * 1024;  ///< octets of one file
inline constexpr std::size_t kMaxDepth = 16;            ///< collections within collections

struct LoadResult {
    std::optional<Config> config;   ///< only if there is no problem
    std::vector<Problem> problems;  ///< all of them, by file, line and column
};

/// Reads the file and what it includes. Nothing is opened but these, nothing is run: passwords that
/// lie elsewhere are left to resolve_secrets() and check_files(). A file that cannot be read or is
/// no YAML is told alone, without the faults that would follow from it.
[[nodiscard]] LoadResult load(const std::string& path, const Environment& environment);

/// Config::control.socket alone, for whoever wants to talk to a daemon: whatever else may be wrong
/// in the file is no hindrance. Errors: config.
[[nodiscard]] Expected<std::string> control_socket(const std::string& path,
                                                   const Environment& environment);

}  // namespace postrider::config
