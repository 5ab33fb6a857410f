#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

namespace postrider::config {

/// Reads `transport`: what stands in the place of a connection to the host.
void read_transport(Reader& reader, const Value& value, AccountConfig& into);

[[nodiscard]] Keys<AccountConfig> transport_keys();

}  // namespace postrider::config
