#pragma once

#include <cstdint>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/file_handle.h"
#include "postrider/config/config.h"

// The Unix socket through which a running daemon is talked to.
namespace postrider::app {

/// Listens there: mode 0600, or 0660 and the group's. A socket that an ended process left behind is
/// replaced; the socket never stands there with another mode. Errors: config (the place cannot be
/// used, no such group), locked (somebody answers there).
[[nodiscard]] Expected<FileHandle> listen_at(const config::Control& control);

/// Removes it from the file system.
void remove_socket(const std::string& path);

enum class ControlPeer : std::uint8_t {
    owner,     ///< root, or the user of the daemon
    of_group,  ///< a member of control.group
};

/// May the process at the other end of this connection talk to us? The file's mode says who can
/// connect; who the other one is, the kernel says (SO_PEERCRED). Errors: refused.
[[nodiscard]] Expected<ControlPeer> check_peer(int connection, const std::string& group);

/// A blocking connection. Errors: closed (nobody is there), refused (not for this user).
[[nodiscard]] Expected<FileHandle> connect_to(const std::string& path);

}  // namespace postrider::app
