#pragma once

#include <cstdint>

namespace postrider::app {

/// What the kernel says of this process. Where it says nothing, zero.
struct ProcessFigures {
    double cpu_seconds = 0;
    std::uint64_t resident_octets = 0;
    std::uint64_t open_files = 0;
    std::uint64_t max_files = 0;
    std::uint64_t threads = 0;

    [[nodiscard]] static ProcessFigures now();
};

}  // namespace postrider::app
