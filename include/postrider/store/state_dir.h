#pragma once

#include <memory>
#include <string>

#include "postrider/base/error.h"

namespace postrider::store {

/// The directory that holds everything one installation must not forget, and the lock that keeps a
/// second process out of it. The directory is opened once; what lies in it is reached relative to
/// that descriptor where the owner of the file allows it. The lock ends with this object,
/// or with the process.
class StateDir {
  public:
    /// Makes the directory (mode 0700; its parent must exist) and takes the lock. Errors:
    /// - config, never: the path is no directory, a symbolic link (but for one that only root can
    ///   have made, as for systemd's DynamicUser=), somebody else's, writable for others, or not
    ///   writable for us; the text says what to do
    /// - locked, later: another process holds it; the text names that process
    /// - io, later: anything else, such as a full disk
    [[nodiscard]] static Expected<StateDir> open(const std::string& path);

    /// Makes the directory alone, if it is missing: for what must be known before it is opened.
    /// Errors: as open().
    [[nodiscard]] static Expected<void> make(const std::string& path);

    StateDir(StateDir&&) noexcept;
    StateDir& operator=(StateDir&&) noexcept;
    StateDir(const StateDir&) = delete;
    StateDir& operator=(const StateDir&) = delete;
    ~StateDir();

    /// Absolute.
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string ledger_path() const;
    /// Exists; for messages that do not fit into memory.
    [[nodiscard]] std::string spool_path() const;
    [[nodiscard]] std::string held_path() const;

    /// The open directory, for openat(2) and fsync(2).
    [[nodiscard]] int descriptor() const;

    /// Does its content vanish with the power (tmpfs, ramfs)? Worth a warning: nothing that is
    /// recorded there is durable.
    [[nodiscard]] bool is_volatile() const;

  private:
    struct Descriptors;
    StateDir(std::string path, std::unique_ptr<Descriptors> descriptors);

    std::string path_;
    std::unique_ptr<Descriptors> descriptors_;
};

}  // namespace postrider::store
