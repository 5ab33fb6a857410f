#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "net/openssl_ptr.h"

namespace postrider::net {

/// The last TLS session of each key, so that the next connection is resumed: no certificates over
/// the wire, no signature to compute. Kept as the bytes of their encoding, which is a fraction of
/// what OpenSSL's object with its parsed certificates takes.
class TlsSessions {
  public:
    /// At most so many; beyond it an arbitrary one makes room.
    static constexpr std::size_t kMaxSessions = 16384;

    void keep(const std::string& key, const SSL_SESSION& session);

    /// The session to resume with, or null. A TLS 1.3 ticket is used once (RFC 8446 section C.4).
    [[nodiscard]] SslSessionPtr take(const std::string& key);

    void forget(const std::string& key) { encoded_.erase(key); }
    [[nodiscard]] std::size_t size() const { return encoded_.size(); }

  private:
    std::unordered_map<std::string, std::string> encoded_;
};

}  // namespace postrider::net
