#pragma once

#include <string_view>

namespace postrider {

/// Is this fault planted on purpose, where the program guards against it? The simulator is held to
/// finding each of them (tests/sim/mutations), in a build of its own. In every other build there
/// are none, and nothing is left of the question.
#ifdef POSTRIDER_PLANTED_FAULTS
[[nodiscard]] bool is_planted(std::string_view fault);
#else
[[nodiscard]] constexpr bool is_planted(std::string_view /*fault*/) {
    return false;
}
#endif

}  // namespace postrider
