#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

// The keys that say by which way an account's server is reached.
namespace postrider::config {

void read_proxy(Reader& reader, const Value& value, AccountConfig& into);
void read_source_address(Reader& reader, const Value& value, AccountConfig& into);
void read_ip_version(Reader& reader, const Value& value, AccountConfig& into);

[[nodiscard]] Keys<ProxyConfig> proxy_keys();

}  // namespace postrider::config
