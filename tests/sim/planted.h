#pragma once

#include <span>
#include <string_view>

namespace postrider::sim {

/// A fault that a build with POSTRIDER_PLANTED_FAULTS can plant (postrider/base/planted.h).
struct PlantedFault {
    std::string_view name;
    std::string_view what;  ///< goes wrong
};

/// All of them, in the order of the way of a message.
[[nodiscard]] std::span<const PlantedFault> planted_faults();

/// From now on this one is there. False: there is none of this name, or this build plants none.
[[nodiscard]] bool plant(std::string_view name);

}  // namespace postrider::sim
