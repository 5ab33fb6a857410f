#include "app/commands/control_client.h"

#include <array>
#include <cerrno>

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>

#include "app/control/control_socket.h"

namespace postrider::app {

namespace {

/// A daemon that lives answers at once, but for a reload, which may run commands for passwords.
constexpr timeval kPatience{120, 0};

Error error_of(const nlohmann::json& answer) {
    const std::string kind = answer.value("kind", "");
    return {kind == "refused"  ? Errc::refused
            : kind == "busy"   ? Errc::busy
            : kind == "failed" ? Errc::io
                               : Errc::unsupported,
            Retry::never, answer.value("error", "")};
}

}  // namespace

Expected<ControlClient> ControlClient::connect(const std::string& socket) {
    Expected<FileHandle> connection = connect_to(socket);
    if (!connection) {
        return failure(connection.error());
    }
    return ControlClient(std::move(*connection));
}

Expected<void> ControlClient::ask(const nlohmann::json& request, const OnLine& on_line) {
    const std::string command = request.value("command", "");
    // A delivery may take its ten minutes, and each has its own deadlines.
    const bool may_take_long = command == "trace" || command == "held";
    const timeval patience = may_take_long ? timeval{} : kPatience;
    ::setsockopt(connection_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const std::string line = request.dump() + "\n";
    // If it is refused, the reason is there to be read all the same.
    ::send(connection_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    while (true) {
        const Expected<std::string> answer = next_line();
        if (!answer) {
            return failure(answer.error());
        }
        const nlohmann::json object = nlohmann::json::parse(*answer, nullptr, false);
        if (!object.is_object()) {
            return failure(Errc::protocol, Retry::never, "what answers there is no postrider");
        }
        if (object.contains("error")) {
            return failure(error_of(object));
        }
        if (object.contains("done")) {
            return {};
        }
        if (!on_line(object)) {
            return {};
        }
    }
}

Expected<std::string> ControlClient::next_line() {
    std::size_t line_end = input_.find('\n');
    while (line_end == std::string::npos) {
        std::array<char, 64UL * 1024> buffer{};
        const ssize_t got = ::recv(connection_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return failure(Errc::timed_out, Retry::later, "the daemon does not answer");
        }
        if (got <= 0) {
            return failure(Errc::closed, Retry::later, "the daemon has ended the connection");
        }
        const std::size_t before = input_.size();
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        line_end = input_.find('\n', before);
    }
    std::string line = input_.substr(0, line_end);
    input_.erase(0, line_end + 1);
    return line;
}

}  // namespace postrider::app
