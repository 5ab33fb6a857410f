#pragma once

#include <map>
#include <string>
#include <vector>

#include "postrider/config/config.h"

#include "config/reader.h"

namespace postrider::config {

using Destinations = std::map<std::string, DestinationConfig, std::less<>>;

/// Reads one `destinations` section into the map; a name that another file has taken is told.
void read_destinations(Reader& reader, const Value& section, Destinations& into);

[[nodiscard]] Keys<DestinationConfig> destination_keys();
[[nodiscard]] Keys<DestinationTimeouts> destination_timeout_keys();

}  // namespace postrider::config
