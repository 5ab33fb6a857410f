#pragma once

#include <string>
#include <vector>

#include "postrider/config/config.h"

// What a new configuration changes. Where in its file something stands is no difference.
namespace postrider::app {

[[nodiscard]] bool is_other(const config::DestinationConfig& a, const config::DestinationConfig& b);

/// Passwords count where they stand in the configuration itself.
[[nodiscard]] bool is_other(const config::AccountConfig& a, const config::AccountConfig& b);

/// The keys whose new values only a new start takes over.
[[nodiscard]] std::vector<std::string> only_at_start(const config::Config& from,
                                                     const config::Config& to);

}  // namespace postrider::app
