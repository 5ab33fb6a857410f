#pragma once

#include <string_view>

#include "postrider/base/error.h"
#include "postrider/net/tls.h"

#include "net/openssl_ptr.h"

namespace postrider::net {

/// Lowest version, security level and ciphers of one connection, before its handshake. Ciphers
/// without authentication or encryption are never among them. Errors: config (no such cipher).
[[nodiscard]] Expected<void> apply_tls_limits(SSL& ssl, const TlsSettings& settings);

[[nodiscard]] std::string_view version_name(TlsVersion version);  ///< "1.2"

}  // namespace postrider::net
