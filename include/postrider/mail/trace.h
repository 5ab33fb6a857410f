#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "postrider/base/secret.h"
#include "postrider/base/time.h"
#include "postrider/mail/message.h"

namespace postrider::mail {

/// The name of a delivery: HMAC-SHA-256 with the installation's key over account, UID and content,
/// cut to 128 bits, in hexadecimal. Equal on every redelivery, not to be claimed by an outsider
///
[[nodiscard]] std::string delivery_id(const Secret& installation_key, std::string_view account,
                                      std::string_view uid, const Digest& content);

/// What our own header lines say.
struct Trace {
    std::string delivery_id;
    std::string from_host;     ///< the POP3 server as configured
    std::string from_address;  ///< its IP address, may be empty
    std::string by_host;       ///< our own host name
    std::string with;          ///< "POP3" or "POP3S"
    std::string recipient;     ///< named in the Received line if there is exactly one, else empty
    WallTime time;
    bool has_received = true;  ///< false: no Received line
};

/// "X-Postrider-Id: ..." and, if wanted, "Received: ...", canonical, in this order (S-022). Text
/// that came from outside is restricted to characters that cannot break the field.
[[nodiscard]] std::string trace_header(const Trace& trace);

/// Octets of the trace_header() that a message begins with, 0 if it does not.
[[nodiscard]] std::size_t trace_header_octets(std::string_view message);

}  // namespace postrider::mail
