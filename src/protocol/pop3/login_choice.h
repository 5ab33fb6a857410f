#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/protocol/pop3/dialogue.h"
#include "postrider/protocol/sasl/credentials.h"

namespace postrider::pop3 {

/// Longest command line with its CRLF (RFC 2449 section 4).
inline constexpr std::size_t kMaxCommandLine = 255;

/// What a login can go by, besides the configuration. Refers to what its owner keeps.
struct LoginGround {
    const Capabilities& capabilities;
    std::string_view greeting;  ///< its line; empty if it came before TLS
    const sasl::ChannelBinding& binding;
};

/// One way to log in.
struct LoginWay {
    enum class Kind : std::uint8_t { user, apop, sasl };
    Kind kind = Kind::user;
    std::string name = {};  ///< of the SASL mechanism; for APOP the timestamp of the greeting
};

/// Chooses the way, once: by the configuration, and for `auto` by what the server lists, strongest
/// first. Errors: config (P-016: octets that no POP3 command can carry; no password or no token),
/// unsupported (the server lists no way that the configuration allows, P-013).
[[nodiscard]] Expected<LoginWay> choose_login(const Settings& settings, const LoginGround& ground);

/// The timestamp of a greeting, for APOP; empty if there is none. It must have the form of a
/// message id with nothing but printable ASCII in it, or a man in the middle could choose it so
/// that MD5 gives the password away bit by bit (CVE-2007-1558).
[[nodiscard]] std::string_view apop_timestamp(std::string_view greeting);

}  // namespace postrider::pop3
