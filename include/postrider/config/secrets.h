#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/config/problem.h"

namespace postrider::config {

inline constexpr std::size_t kMaxSecret = 64UL * 1024;  ///< octets of a password file or output

/// Fetches the passwords of the named accounts (all if none is named), and of the destinations that
/// they deliver to, into AccountConfig::password and DestinationConfig::password: files, variables,
/// systemd credentials, commands. Blocks, for as long as the commands run: it belongs to the start
/// of the program. Tokens change meanwhile: for them it leaves an AccountConfig::fetch_token.
[[nodiscard]] std::vector<Problem> resolve_secrets(Config& config, const Environment& environment,
                                                   std::span<const std::string> accounts = {});

/// Only the passwords of all destinations.
[[nodiscard]] std::vector<Problem> resolve_destination_secrets(Config& config,
                                                               const Environment& environment);

/// The environment variables that hold secrets. No program that is run for one account may see
/// those of another.
[[nodiscard]] std::set<std::string> secret_variables(const Config& config);

/// Everything that can be said about the files a configuration names without running a command or
/// keeping a secret: password sources and trust stores are there and fit.
[[nodiscard]] std::vector<Problem> check_files(const Config& config,
                                               const Environment& environment);

}  // namespace postrider::config
