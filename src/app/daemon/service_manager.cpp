#include "app/daemon/service_manager.h"

#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "postrider/base/text.h"

namespace postrider::app {

ServiceManager::ServiceManager(const config::Environment& environment) {
    socket_ = environment.variable("NOTIFY_SOCKET").value_or("");
    if (socket_.size() >= sizeof(sockaddr_un::sun_path) ||
        (!socket_.empty() && socket_.front() != '/' && socket_.front() != '@')) {
        socket_.clear();
    }
    const auto period = parse_unsigned(environment.variable("WATCHDOG_USEC").value_or(""));
    const auto meant = environment.variable("WATCHDOG_PID");
    if (period && *period > 0 && (!meant || *meant == std::to_string(::getpid()))) {
        watchdog_period_ = std::chrono::microseconds(*period);
    }
}

void ServiceManager::reloading(MonotonicTime now) const {
    const auto at = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
    say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", at.count()));
}

void ServiceManager::say(const std::string& state) const {
    if (socket_.empty()) {
        return;
    }
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0';  // an abstract name
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address),
             length);  // the cast the socket API asks for
    ::close(descriptor);
}

}  // namespace postrider::app
