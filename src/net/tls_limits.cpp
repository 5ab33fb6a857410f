#include "net/tls_limits.h"

#include <string>

#include "postrider/base/text.h"

namespace postrider::net {
namespace {

int number_of(TlsVersion version) {
    switch (version) {
        case TlsVersion::tls1_0:
            return TLS1_VERSION;
        case TlsVersion::tls1_1:
            return TLS1_1_VERSION;
        case TlsVersion::tls1_2:
            return TLS1_2_VERSION;
        case TlsVersion::tls1_3:
            return TLS1_3_VERSION;
    }
    return TLS1_2_VERSION;
}

void append(std::string& list, std::string_view item) {
    list.append(list.empty() ? "" : ":").append(item);
}

/// OpenSSL keeps the ciphers of TLS 1.3 in a list of their own; people do not.
Expected<void> set_ciphers(SSL& ssl, std::string_view ciphers) {
    std::string suites;
    std::string older;
    while (!ciphers.empty()) {
        const std::string_view item = ciphers.substr(0, ciphers.find(':'));
        ciphers.remove_prefix(std::min(item.size() + 1, ciphers.size()));
        append(item.starts_with("TLS_") ? suites : older, item);
    }
    const bool has_suites = suites.empty() || SSL_set_ciphersuites(&ssl, suites.c_str()) == 1;
    const bool has_older =
        older.empty() || SSL_set_cipher_list(&ssl, (older + ":!aNULL:!eNULL").c_str()) == 1;
    if (!has_suites || !has_older) {
        return failure(
            Errc::config, Retry::never,
            "tls_ciphers: OpenSSL knows no such ciphers: " + escaped(has_suites ? older : suites));
    }
    return {};
}

}  // namespace

Expected<void> apply_tls_limits(SSL& ssl, const TlsSettings& settings) {
    if (settings.security_level) {
        SSL_set_security_level(&ssl, *settings.security_level);
    }
    if (settings.security_level == 0) {
        // Servers from before RFC 5746. Renegotiation is refused all the same.
        SSL_set_options(&ssl, SSL_OP_LEGACY_SERVER_CONNECT);
    }
    SSL_set_min_proto_version(&ssl, number_of(settings.min_version));
    return settings.ciphers.empty() ? Expected<void>() : set_ciphers(ssl, settings.ciphers);
}

std::string_view version_name(TlsVersion version) {
    switch (version) {
        case TlsVersion::tls1_0:
            return "1.0";
        case TlsVersion::tls1_1:
            return "1.1";
        case TlsVersion::tls1_2:
            return "1.2";
        case TlsVersion::tls1_3:
            return "1.3";
    }
    return "1.2";
}

}  // namespace postrider::net
