#include "net/address.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include "postrider/base/assert.h"
#include "postrider/net/stream.h"

namespace postrider::net {
namespace {

void set_option(int fd, int level, int name) {
    const int on = 1;
    // Only a wish: a socket without it still works.
    static_cast<void>(::setsockopt(fd, level, name, &on, sizeof on));
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t size) : size_(size) {
    POSTRIDER_ASSERT(size <= sizeof storage_);
    std::memcpy(&storage_, address, size);
}

std::optional<Address> Address::from_literal(const std::string& host, std::uint16_t port) {
    Address result;
    sockaddr_in v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&result.storage_, &v4, sizeof v4);
        result.size_ = sizeof v4;
        return result;
    }
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&result.storage_, &v6, sizeof v6);
        result.size_ = sizeof v6;
        return result;
    }
    return std::nullopt;
}

std::optional<Address> Address::from_unix_path(const std::string& path) {
    sockaddr_un local{};
    if (path.empty() || path.size() >= sizeof local.sun_path) {
        return std::nullopt;
    }
    local.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(local.sun_path), path.size());
    Address result;
    std::memcpy(&result.storage_, &local, sizeof local);
    result.size_ = sizeof local;
    return result;
}

const sockaddr* Address::data() const {
    return reinterpret_cast<const sockaddr*>(&storage_);  // the one cast the socket API asks for
}

std::string Address::to_text() const {
    if (family() == AF_UNIX) {
        sockaddr_un local{};
        std::memcpy(&local, &storage_, sizeof local);
        return static_cast<const char*>(local.sun_path);
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage_, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    } else {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage_, sizeof v6);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return text.data();
}

bool is_on_this_machine(const PeerInfo& peer) {
    if (peer.is_proxied) {
        return false;
    }
    in_addr v4{};
    if (::inet_pton(AF_INET, peer.address.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24U == IN_LOOPBACKNET;
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, peer.address.c_str(), &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return peer.address.starts_with('/');
}

Expected<Socket> begin_connect(const Address& address, const std::optional<Address>& source) {
    if (source && source->family() != address.family()) {
        return failure(Errc::network, Retry::later,
                       "not of the family of the source address " + source->to_text());
    }
    Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) {
        return failure(network_error(errno));
    }
    if (address.family() != AF_UNIX) {
        set_option(socket.fd(), IPPROTO_TCP, TCP_NODELAY);
        set_option(socket.fd(), SOL_SOCKET, SO_KEEPALIVE);
    }
    if (source) {
        set_option(socket.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        if (::bind(socket.fd(), source->data(), source->size()) != 0) {
            return failure(network_error(errno).in("source address " + source->to_text()));
        }
    }
    if (::connect(socket.fd(), address.data(), address.size()) != 0 && errno != EINPROGRESS) {
        // EAGAIN of a Unix socket: its queue of connections is full.
        return failure(network_error(errno));
    }
    return socket;
}

int connect_outcome(const Socket& socket) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return errno;
    }
    return error;
}

}  // namespace postrider::net
