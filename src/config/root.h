#pragma once

#include <vector>

#include "postrider/config/config.h"

#include "config/reader.h"

namespace postrider::config {

/// The top level of the files while it is read. Sections that depend on others are only noted here,
/// for they may stand in any order and in several files.
struct RootDraft {
    Config config;
    std::vector<const Value*> destinations;
    std::vector<const Value*> defaults;
    std::vector<const Value*> accounts;
};

/// The keys of the main file, and of those it includes.
[[nodiscard]] Keys<RootDraft> main_keys();
[[nodiscard]] Keys<RootDraft> included_keys();
[[nodiscard]] Keys<LogConfig> log_keys();
[[nodiscard]] Keys<Limits> limit_keys();

}  // namespace postrider::config
