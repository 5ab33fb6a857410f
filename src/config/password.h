#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

namespace postrider::config {

/// Reads `password`: plain text, or a map that says where it lies. A plain password makes the file
/// a secret: it is told if others can read the file. Nothing of the value is ever quoted,
/// for any part of it may be the password, wrongly written.
void read_password(Reader& reader, const Value& value, AccountConfig& account);
void read_password(Reader& reader, const Value& value, DestinationConfig& destination);
void read_password(Reader& reader, const Value& value, ProxyConfig& proxy);

/// Reads `token`: where an OAuth 2.0 access token lies. It changes too often to stand in the file.
void read_token(Reader& reader, const Value& value, AccountConfig& account);

[[nodiscard]] Keys<PasswordSource> password_keys();

}  // namespace postrider::config
