#pragma once

#include "postrider/net/stream.h"

#include "net/openssl_ptr.h"

namespace postrider::net {

/// What logins can be bound to on an established TLS connection, at the client's end.
[[nodiscard]] ChannelBinding channel_binding_of(SSL& ssl, BindingKind kind);

}  // namespace postrider::net
