#include "net/socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "postrider/base/text.h"

namespace postrider::net {
Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

Socket::~Socket() {
    close();
}

void Socket::close() {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

IoResult receive_some(int fd, std::span<char> into) {
    ssize_t count = 0;
    do {
        count = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        return {IoStatus::ok, static_cast<std::size_t>(count), 0};
    }
    if (count == 0) {
        return {IoStatus::end, 0, 0};
    }
    if (errno == EAGAIN) {
        return {IoStatus::want_read, 0, 0};
    }
    return {IoStatus::failed, 0, errno};
}

IoResult send_some(int fd, std::string_view bytes) {
    ssize_t count = 0;
    do {
        count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count >= 0) {
        return {IoStatus::ok, static_cast<std::size_t>(count), 0};
    }
    if (errno == EAGAIN) {
        return {IoStatus::want_write, 0, 0};
    }
    return {IoStatus::failed, 0, errno};
}

bool has_bytes_waiting(int fd) {
    char byte = 0;
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

std::string errno_text(int error) {
    const char* text = ::strerrordesc_np(error);
    return text == nullptr ? "error " + std::to_string(error) : to_lower(text);
}

Error network_error(int error) {
    const Errc code = error == ETIMEDOUT ? Errc::timed_out : Errc::network;
    return {code, Retry::later, errno_text(error)};
}

}  // namespace postrider::net
