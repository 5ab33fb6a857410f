#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Digests that protocols of mail ask for. What we compute for our own sake is SHA-256 (message.h).
namespace postrider::mail {

enum class Hash : std::uint8_t { sha1, sha256 };

/// HMAC (RFC 2104): the octets of it.
[[nodiscard]] std::string hmac(Hash hash, std::string_view key, std::string_view text);

/// MD5 in lower-case hexadecimal, for APOP (RFC 1939), which has nothing better.
[[nodiscard]] std::string md5_hex(std::string_view text);

}  // namespace postrider::mail
