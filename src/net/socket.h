#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "postrider/base/error.h"

namespace postrider::net {

/// Owns one socket descriptor.
class Socket {
  public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&& other) noexcept;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    void close();

  private:
    int fd_ = -1;
};

/// What one attempt to move bytes came to. `ok` has moved at least one byte.
enum class IoStatus : std::uint8_t { ok, want_read, want_write, end, failed };

struct IoResult {
    IoStatus status = IoStatus::failed;
    std::size_t count = 0;
    int error = 0;  ///< errno of `failed`; zero where the failure has no errno (TLS)
};

[[nodiscard]] IoResult receive_some(int fd, std::span<char> into);

/// Never raises SIGPIPE.
[[nodiscard]] IoResult send_some(int fd, std::string_view bytes);

/// Are plain bytes waiting in the socket? They stay there.
[[nodiscard]] bool has_bytes_waiting(int fd);

/// "connection refused" and the like, in lower case, without any locale.
[[nodiscard]] std::string errno_text(int error);

/// Errc::network (or timed_out for ETIMEDOUT), Retry::later.
[[nodiscard]] Error network_error(int error);

}  // namespace postrider::net
