#pragma once

#include <string>

#include "postrider/base/error.h"
#include "postrider/config/config.h"

// As whom postrider works.
namespace postrider::app {

/// Nothing of this process can be read by others of its user, nor left behind as a core.
void keep_to_itself();

/// Becomes the user of the configuration for good, if it names one and we are root; makes the state
/// directory for that user first, if there is none. Errors: config.
[[nodiscard]] Expected<void> become_user(const config::Config& config);

/// Root must not write into Maildirs, nor run programs for mail, unless it is told to: whoever can
/// change what stands there could have it write elsewhere. Errors: config.
[[nodiscard]] Expected<void> check_not_root(const config::Config& config);

}  // namespace postrider::app
