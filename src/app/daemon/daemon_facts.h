#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/config/problem.h"

// What the daemon as a whole can say of itself.
namespace postrider::app {

/// How a reload came out: what changed, or everything that is wrong.
struct Reloaded {
    std::vector<config::Problem> problems;
    std::string summary;
};
using ReloadDone = std::function<void(const Reloaded&)>;

struct DaemonFacts {
    WallTime started{};
    Duration loop_lag{};
    std::uint64_t memory_in_flight = 0;  ///< octets of messages
    std::size_t connections = 0;         ///< to servers of any kind
    std::size_t held_copies = 0;         ///< of refused messages
    WallTime configured{};               ///< when the configuration in force was read
    bool is_reload_good = true;          ///< of the last attempt
    bool is_stopping = false;
};

}  // namespace postrider::app
