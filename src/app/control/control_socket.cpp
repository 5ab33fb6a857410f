#include "app/control/control_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "postrider/base/files.h"

namespace postrider::app {

namespace {

/// Where a socket is, in a form that fits into an address: a path of any length is reached through
/// its open directory.
class SocketPlace {
  public:
    explicit SocketPlace(const std::string& path)
        : directory_(::open(std::filesystem::path(path).parent_path().c_str(),
                            O_PATH | O_DIRECTORY | O_CLOEXEC)),
          name_(std::filesystem::path(path).filename()) {}

    [[nodiscard]] bool is_there() const { return directory_.is_open(); }
    [[nodiscard]] int directory() const { return directory_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }

    /// False: even the name alone is too long.
    [[nodiscard]] bool address(const std::string& name, sockaddr_un& into) const {
        const std::string path = fmt::format("/proc/self/fd/{}/{}", directory_.get(), name);
        if (path.size() >= sizeof(into.sun_path)) {
            return false;
        }
        into = {};
        into.sun_family = AF_UNIX;
        std::memcpy(into.sun_path, path.c_str(), path.size() + 1);
        return true;
    }

  private:
    FileHandle directory_;
    std::string name_;
};

FileHandle make_socket() {
    return FileHandle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);  // the cast the socket API asks for
}

/// Errno, or 0.
int try_connect(int socket, const SocketPlace& place) {
    sockaddr_un address{};
    if (!place.address(place.name(), address)) {
        return ENAMETOOLONG;
    }
    return ::connect(socket, generic(address), sizeof(address)) == 0 ? 0 : errno;
}

tl::unexpected<Error> unusable(const std::string& path, int error_number) {
    Error error = file_error("cannot make the control socket " + path, error_number);
    error.code = Errc::config;
    error.retry = Retry::never;
    error.text += "; its directory must exist and be writable for this user, or set control.socket";
    return failure(std::move(error));
}

Expected<gid_t> group_id(const std::string& name) {
    errno = 0;
    const group* const found =
        ::getgrnam(name.c_str());  // NOLINT(concurrency-mt-unsafe): loop only
    if (found == nullptr) {
        return failure(Errc::config, Retry::never,
                       fmt::format("control.group: there is no group {}", name));
    }
    return found->gr_gid;
}

/// Does not ask for what is so already: in a sandbox nobody may change owners.
bool give_to_group(int directory, const std::string& name, gid_t group) {
    constexpr auto kAsItIs = static_cast<uid_t>(-1);
    struct stat status {};
    return (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_gid == group) ||
           ::fchownat(directory, name.c_str(), kAsItIs, group, AT_SYMLINK_NOFOLLOW) == 0;
}

bool is_in_group(int connection, gid_t primary, gid_t wanted) {
    if (primary == wanted) {
        return true;
    }
    socklen_t size = 0;
    ::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size);  // tells the size it needs
    std::vector<gid_t> groups(size / sizeof(gid_t));
    if (groups.empty() ||
        ::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
        return false;
    }
    return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

}  // namespace

Expected<FileHandle> listen_at(const config::Control& control) {
    const SocketPlace place(control.socket);
    if (!place.is_there()) {
        return unusable(control.socket, errno);
    }
    FileHandle socket = make_socket();
    if (!socket.is_open()) {
        return unusable(control.socket, errno);
    }
    if (try_connect(make_socket().get(), place) == 0) {
        return failure(Errc::locked, Retry::later,
                       "another process answers at the control socket " + control.socket);
    }
    const std::string draft = place.name() + ".new";
    ::unlinkat(place.directory(), draft.c_str(), 0);
    sockaddr_un address{};
    if (!place.address(draft, address)) {
        return unusable(control.socket, ENAMETOOLONG);
    }
    if (::bind(socket.get(), generic(address), sizeof(address)) != 0) {
        return unusable(control.socket, errno);
    }
    mode_t mode = S_IRUSR | S_IWUSR;
    if (!control.group.empty()) {
        const Expected<gid_t> group = group_id(control.group);
        if (!group) {
            return failure(group.error());
        }
        if (!give_to_group(place.directory(), draft, *group)) {
            Error error = file_error(
                "cannot give the control socket " + control.socket + " to group " + control.group,
                errno);
            error.text += "; control.group: this user must be a member, and a sandbox must let it";
            return failure(Errc::config, Retry::never, std::move(error.text));
        }
        mode |= S_IRGRP | S_IWGRP;
    }
    // Nobody can connect before listen().
    if (::fchmodat(place.directory(), draft.c_str(), mode, 0) != 0 ||
        ::listen(socket.get(), SOMAXCONN) != 0 ||
        ::renameat(place.directory(), draft.c_str(), place.directory(), place.name().c_str()) !=
            0 ||
        ::fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0) {
        return unusable(control.socket, errno);
    }
    return socket;
}

void remove_socket(const std::string& path) {
    ::unlink(path.c_str());
}

Expected<ControlPeer> check_peer(int connection, const std::string& group) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return failure(Errc::refused, Retry::never, "who asks cannot be told");
    }
    if (peer.uid == 0 || peer.uid == ::geteuid()) {
        return ControlPeer::owner;
    }
    if (!group.empty()) {
        const Expected<gid_t> wanted = group_id(group);
        if (wanted && is_in_group(connection, peer.gid, *wanted)) {
            return ControlPeer::of_group;
        }
    }
    return failure(
        Errc::refused, Retry::never,
        fmt::format("user {} may not talk to this daemon (control.group says who may)", peer.uid));
}

Expected<FileHandle> connect_to(const std::string& path) {
    const SocketPlace place(path);
    const int fault = place.is_there() ? 0 : errno;
    FileHandle socket = make_socket();
    const int refused = fault != 0 ? fault : try_connect(socket.get(), place);
    if (refused == 0) {
        return socket;
    }
    if (refused == EACCES || refused == EPERM) {
        return failure(Errc::refused, Retry::never,
                       fmt::format("this user may not use the control socket {}: become its user, "
                                   "or root, or set control.group",
                                   path));
    }
    return failure(Errc::closed, Retry::later,
                   fmt::format("no daemon answers at {} ({}): `postrider run` is not running, or "
                               "with another configuration",
                               path, std::strerror(refused)));  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace postrider::app
