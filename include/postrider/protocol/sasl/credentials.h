#pragma once

#include <cstdint>
#include <string>

#include "postrider/base/secret.h"

namespace postrider::sasl {

/// What binds an authentication to the TLS connection it runs in (RFC 5056): a name of the IANA
/// registry ("tls-exporter", "tls-unique", "tls-server-end-point") and its octets. Without octets
/// there is none.
struct ChannelBinding {
    std::string name;
    std::string octets;
};

/// All that mechanisms may need to know of us and of the connection.
struct Credentials {
    std::string user;
    Secret secret = {};  ///< the password; for XOAUTH2 and OAUTHBEARER the token
    std::string host = {};
    std::uint16_t port = 0;
    ChannelBinding binding = {};
    /// The server lists the -PLUS form of the mechanism. Without it we tell, where we could have
    /// bound the channel, that we were not offered to (RFC 5802 section 6).
    bool plus_is_listed = false;
};

}  // namespace postrider::sasl
