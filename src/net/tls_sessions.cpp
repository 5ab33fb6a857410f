#include "net/tls_sessions.h"

namespace postrider::net {
namespace {

/// A session with a certificate of absurd size is not worth keeping.
constexpr int kMaxEncodedSession = 16 * 1024;

}  // namespace

void TlsSessions::keep(const std::string& key, const SSL_SESSION& session) {
    const int size = i2d_SSL_SESSION(&session, nullptr);
    if (size <= 0 || size > kMaxEncodedSession) {
        return;
    }
    std::string encoded(static_cast<std::size_t>(size), '\0');
    void* at = encoded.data();
    auto* cursor = static_cast<unsigned char*>(at);
    if (i2d_SSL_SESSION(&session, &cursor) != size) {
        return;
    }
    if (encoded_.size() >= kMaxSessions && !encoded_.contains(key)) {
        encoded_.erase(encoded_.begin());
    }
    encoded_[key] = std::move(encoded);
}

SslSessionPtr TlsSessions::take(const std::string& key) {
    const auto found = encoded_.find(key);
    if (found == encoded_.end()) {
        return nullptr;
    }
    const void* at = found->second.data();
    const auto* cursor = static_cast<const unsigned char*>(at);
    SslSessionPtr session(
        d2i_SSL_SESSION(nullptr, &cursor, static_cast<long>(found->second.size())));
    if (session == nullptr || SSL_SESSION_get_protocol_version(session.get()) >= TLS1_3_VERSION) {
        encoded_.erase(found);
    }
    return session;
}

}  // namespace postrider::net
