#pragma once

#include "postrider/base/secret.h"

namespace postrider {

/// Is it still the same secret? It takes as long wherever they differ. In a header of its own: who
/// compares secrets means to.
[[nodiscard]] bool operator==(const Secret& a, const Secret& b);

}  // namespace postrider
