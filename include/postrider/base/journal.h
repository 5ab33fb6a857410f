#pragma once

#include <string_view>

#include "postrider/base/log.h"

namespace postrider {

/// What a line of this level begins with on stderr where that is the journal of systemd: its
/// priority, "<3>" (sd-daemon(3)). Elsewhere nothing.
[[nodiscard]] std::string_view journal_prefix(LogLevel level);

}  // namespace postrider
