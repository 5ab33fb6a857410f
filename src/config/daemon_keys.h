#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

// How a daemon is looked at and talked to.
namespace postrider::config {

[[nodiscard]] Keys<Control> control_keys();
[[nodiscard]] Keys<Metrics> metrics_keys();

}  // namespace postrider::config
