#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postrider::net {

enum class TlsVersion : std::uint8_t { tls1_0, tls1_1, tls1_2, tls1_3 };

/// How one TLS connection is to be made and verified. There is no way to turn verification off: a
/// certificate is trusted by the authorities and its name, or by the pin of its key.
struct TlsSettings {
    std::string server_name;  ///< host name or IP literal the certificate must be for; also SNI
    std::string ca_file;  ///< PEM file that replaces the system's trust store; empty: the system's
    std::string session_key;  ///< sessions are resumed only among equal keys (one per account)
    std::string client_certificate = {};  ///< PEM file, chain included; empty: none is shown
    std::string client_key = {};          ///< PEM file of its key, PKCS #8 without a passphrase
    /// SHA-256 of the server's SubjectPublicKeyInfo, in base64: any of them, if there is one, is
    /// trusted in place of authorities, name and dates.
    std::vector<std::string> pins = {};
    bool pins_and_authorities = false;  ///< both must be right
    TlsVersion min_version = TlsVersion::tls1_2;
    std::string ciphers = {};  ///< of OpenSSL, TLS 1.3 ones among them; empty: OpenSSL's choice
    std::optional<int> security_level = std::nullopt;  ///< of OpenSSL; nothing: the system's
};

}  // namespace postrider::net
