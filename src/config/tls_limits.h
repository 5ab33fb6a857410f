#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "postrider/config/config.h"

#include "config/reader.h"

// The keys that say how strict TLS is.
namespace postrider::config {

/// One pin, or a list of them.
void read_pins(Reader& reader, const Value& value, AccountConfig& into);
void read_tls_trust(Reader& reader, const Value& value, AccountConfig& into);
void read_tls_min_version(Reader& reader, const Value& value, AccountConfig& into);
void read_tls_ciphers(Reader& reader, const Value& value, AccountConfig& into);
void read_tls_security_level(Reader& reader, const Value& value, AccountConfig& into);

/// A pin as base64, of what people have: base64, with "sha256//" (curl) or without, or 64
/// hexadecimal digits with colons or without. Nothing if it is none.
[[nodiscard]] std::optional<std::string> parse_pin(std::string_view text);

}  // namespace postrider::config
