#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "postrider/base/time.h"

// What a person sees of the daemon's state. Pure.
namespace postrider::app {

struct Look {
    std::size_t columns = 80;
    std::size_t rows = 0;  ///< 0: any number
    bool has_colours = false;
    WallTime now{};
};

/// All accounts, those in trouble first. `report`: {daemon: {}, destinations: [], accounts: []}.
[[nodiscard]] std::string status_table(const nlohmann::json& report, const Look& look);

/// Everything about the one account of the report, and its destination.
[[nodiscard]] std::string status_details(const nlohmann::json& report, const Look& look);

}  // namespace postrider::app
