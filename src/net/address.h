#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "postrider/base/error.h"

#include "net/socket.h"

namespace postrider::net {

/// One socket address: IPv4, IPv6 or the path of a Unix socket.
class Address {
  public:
    /// Copies `size` bytes of a sockaddr.
    Address(const sockaddr* address, socklen_t size);

    /// An IP literal without brackets; nothing if `host` is none.
    [[nodiscard]] static std::optional<Address> from_literal(const std::string& host,
                                                             std::uint16_t port);
    /// Nothing if the path does not fit into a sockaddr_un (107 bytes).
    [[nodiscard]] static std::optional<Address> from_unix_path(const std::string& path);

    [[nodiscard]] int family() const { return storage_.ss_family; }
    [[nodiscard]] const sockaddr* data() const;
    [[nodiscard]] socklen_t size() const { return size_; }

    /// "192.0.2.1", "2001:db8::1", "/run/lmtp": without the port.
    [[nodiscard]] std::string to_text() const;

  private:
    Address() = default;

    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

using Addresses = std::vector<Address>;

/// A socket whose connecting to `address`, from `source` if given, has begun or is done:
/// non-blocking, close-on-exec, for TCP with TCP_NODELAY and SO_KEEPALIVE. When it becomes
/// writable, connect_outcome() tells.
[[nodiscard]] Expected<Socket> begin_connect(const Address& address,
                                             const std::optional<Address>& source = std::nullopt);

/// Zero once the socket is connected, otherwise the errno that ended the attempt.
[[nodiscard]] int connect_outcome(const Socket& socket);

}  // namespace postrider::net
