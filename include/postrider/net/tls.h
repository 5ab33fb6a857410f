#pragma once

#include <string>

namespace postrider::net {

/// How one TLS connection is to be verified. There is no way to turn verification off.
struct TlsSettings {
    std::string server_name;  ///< host name or IP literal the certificate must be for; also SNI
    std::string ca_file;  ///< PEM file that replaces the system's trust store; empty: the system's
    std::string session_key;  ///< sessions are resumed only among equal keys (one per account)
    std::string client_certificate = {};  ///< PEM file, chain included; empty: none is shown
    std::string client_key = {};          ///< PEM file of its key, PKCS #8 without a passphrase
};

}  // namespace postrider::net
