#include "net/channel_binding.h"

#include <array>
#include <string_view>

#include <openssl/evp.h>

namespace postrider::net {
namespace {

/// RFC 9266: the same octets can be had at both ends of this connection only. Before TLS 1.3 that
/// holds only where the keys depend on the whole handshake (RFC 7627).
ChannelBinding exporter(SSL& ssl) {
    constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
    std::array<unsigned char, 32> octets{};
    ChannelBinding binding{"tls-exporter", {}};
    const bool is_unique = SSL_version(&ssl) >= TLS1_3_VERSION || SSL_get_extms_support(&ssl) == 1;
    if (is_unique && SSL_export_keying_material(&ssl, octets.data(), octets.size(), kLabel.data(),
                                                kLabel.size(), nullptr, 0, 1) == 1) {
        binding.octets.assign(octets.begin(), octets.end());
    }
    return binding;
}

/// RFC 5929 section 3: the first Finished message, which is the server's where a session is
/// resumed. TLS 1.3 has none (RFC 8446 appendix C.5).
ChannelBinding unique(const SSL& ssl) {
    std::array<char, EVP_MAX_MD_SIZE> octets{};
    ChannelBinding binding{"tls-unique", {}};
    // SSL_get_extms_support() takes no const, and changes nothing.
    if (SSL_version(&ssl) < TLS1_3_VERSION && SSL_get_extms_support(&const_cast<SSL&>(ssl)) == 1) {
        const std::size_t size = SSL_session_reused(&ssl) == 1
                                     ? SSL_get_peer_finished(&ssl, octets.data(), octets.size())
                                     : SSL_get_finished(&ssl, octets.data(), octets.size());
        binding.octets.assign(octets.data(), size);
    }
    return binding;
}

/// RFC 5929 section 4: the digest of the certificate, by the one that signed it or SHA-256.
ChannelBinding server_end_point(const SSL& ssl) {
    ChannelBinding binding{"tls-server-end-point", {}};
    const X509* const certificate = SSL_get0_peer_certificate(&ssl);
    int signed_by = NID_undef;
    if (certificate == nullptr ||
        X509_get_signature_info(const_cast<X509*>(certificate), &signed_by, nullptr, nullptr,
                                nullptr) != 1) {
        return binding;
    }
    const EVP_MD* digest = EVP_get_digestbynid(signed_by);
    if (digest == nullptr || signed_by == NID_md5 || signed_by == NID_sha1) {
        digest = EVP_sha256();
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
    unsigned int size = 0;
    if (X509_digest(certificate, digest, octets.data(), &size) == 1) {
        binding.octets.assign(octets.begin(), octets.begin() + size);
    }
    return binding;
}

}  // namespace

ChannelBinding channel_binding_of(SSL& ssl, BindingKind kind) {
    switch (kind) {
        case BindingKind::exporter:
            return exporter(ssl);
        case BindingKind::unique:
            return unique(ssl);
        case BindingKind::server_end_point:
            return server_end_point(ssl);
        case BindingKind::automatic:
            break;
    }
    if (SSL_version(&ssl) >= TLS1_3_VERSION) {
        return exporter(ssl);
    }
    ChannelBinding binding = unique(ssl);
    return binding.octets.empty() ? server_end_point(ssl) : binding;
}

}  // namespace postrider::net
