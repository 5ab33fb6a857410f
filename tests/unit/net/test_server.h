#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "postrider/base/assert.h"

#include "net/address.h"
#include "net/openssl_ptr.h"
#include "net/socket.h"
#include "support/test_certificates.h"

namespace postrider::test {

/// The server's end of one accepted connection: blocking, with a limit on every wait, so that a
/// test that goes wrong ends.
class ServerEnd {
  public:
    static constexpr int kPatienceSeconds = 10;

    explicit ServerEnd(net::Socket socket) : socket_(std::move(socket)) {
        const timeval patience{kPatienceSeconds, 0};
        ::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }

    /// Until all is sent or the client is gone.
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t count = send_once(bytes);
            if (count == 0) {
                return;
            }
            bytes.remove_prefix(count);
        }
    }

    /// The next line without its CRLF; what there is if the client closes.
    [[nodiscard]] std::string read_line() {
        std::string line;
        char byte = 0;
        while (receive(&byte, 1) == 1) {
            line += byte;
            if (line.ends_with("\r\n")) {
                line.resize(line.size() - 2);
                break;
            }
        }
        return line;
    }

    /// All up to the client's closing.
    [[nodiscard]] std::string read_to_end() {
        std::string all;
        std::string piece(64UL * 1024, '\0');
        while (const std::size_t count = receive(piece.data(), piece.size())) {
            all.append(piece, 0, count);
        }
        return all;
    }

    /// Serves TLS from now on; false if the handshake fails.
    bool start_tls(SSL_CTX& context) {
        ssl_.reset(SSL_new(&context));
        SSL_set_fd(ssl_.get(), fd());
        return SSL_accept(ssl_.get()) == 1;
    }
    [[nodiscard]] bool is_resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    [[nodiscard]] std::string server_name() const {
        const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
        return name == nullptr ? "" : name;
    }
    [[nodiscard]] SSL& ssl() { return *ssl_; }
    void send_close_notify() { SSL_shutdown(ssl_.get()); }

    void close() { socket_.close(); }
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.close();
    }
    [[nodiscard]] int fd() const { return socket_.fd(); }

  private:
    [[nodiscard]] std::size_t send_once(std::string_view bytes) {
        if (ssl_ != nullptr) {
            std::size_t count = 0;
            return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count) == 1 ? count : 0;
        }
        const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }

    [[nodiscard]] std::size_t receive(char* into, std::size_t size) {
        if (ssl_ != nullptr) {
            std::size_t count = 0;
            return SSL_read_ex(ssl_.get(), into, size, &count) == 1 ? count : 0;
        }
        const ssize_t count = ::recv(fd(), into, size, 0);
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }

    net::Socket socket_;
    net::SslPtr ssl_;
};

/// A socket bound to `host` on a port given by the system.
[[nodiscard]] inline net::Socket bound_socket(const net::Address& address) {
    net::Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    POSTRIDER_ASSERT(::bind(socket.fd(), address.data(), address.size()) == 0);
    return socket;
}

[[nodiscard]] inline std::uint16_t port_of(const net::Socket& socket) {
    sockaddr_in6 bound{};
    socklen_t size = sizeof bound;
    // sockaddr_in and sockaddr_in6 hold the port at the same place.
    ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bound), &size);
    return ntohs(bound.sin6_port);
}

/// A listening socket, TCP on a port given by the system or on a Unix path, and a thread that
/// serves what connects, one connection after the other.
class TestServer {
  public:
    using Serve = std::function<void(ServerEnd&)>;

    explicit TestServer(Serve serve, int connections = 1, const std::string& host = "127.0.0.1",
                        std::uint16_t port = 0)
        : TestServer(*net::Address::from_literal(host, port), std::move(serve), connections) {}
    TestServer(const net::Address& address, Serve serve, int connections)
        : listener_(bound_socket(address)) {
        POSTRIDER_ASSERT(::listen(listener_.fd(), 8) == 0);
        port_ = port_of(listener_);
        const timeval patience{ServerEnd::kPatienceSeconds, 0};
        ::setsockopt(listener_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        thread_ = std::thread([this, serve = std::move(serve), connections] {
            for (int i = 0; i < connections; ++i) {
                net::Socket accepted(::accept(listener_.fd(), nullptr, nullptr));
                if (!accepted.is_open()) {
                    return;
                }
                ServerEnd end(std::move(accepted));
                serve(end);
            }
        });
    }
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;
    ~TestServer() {
        ::shutdown(listener_.fd(), SHUT_RDWR);  // ends an accept() that waits
        join();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Waits until all connections have been served.
    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

  private:
    net::Socket listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

[[nodiscard]] inline net::SslCtxPtr server_context(const TestCertificate& certificate) {
    net::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_security_level(context.get(), 0);  // a server may be as weak as it likes
    POSTRIDER_ASSERT(
        SSL_CTX_use_certificate_chain_file(context.get(), certificate.chain_file.c_str()) == 1);
    POSTRIDER_ASSERT(SSL_CTX_use_PrivateKey_file(context.get(), certificate.key_file.c_str(),
                                                 SSL_FILETYPE_PEM) == 1);
    return context;
}

}  // namespace postrider::test
