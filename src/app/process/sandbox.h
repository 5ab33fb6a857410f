#pragma once

#include <string>
#include <vector>

#include "postrider/config/config.h"

// What a daemon takes away from itself after its start, where the kernel lets it: then a fault in
// it, or in a library, is worth less to whoever finds it.
namespace postrider::app {

/// Sanitizers look into the process in ways that a sandbox forbids.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsInspected = true;
#else
inline constexpr bool kIsInspected = false;
#endif

/// Does this configuration have us run programs? They need what they need.
[[nodiscard]] bool runs_programs(const config::Config& config);

/// The directories that are written to: the state directory, that of the control socket, and the
/// fixed beginnings of the paths of Maildirs. Those that do not exist yet are given as the nearest
/// directory above that does.
[[nodiscard]] std::vector<std::string> written_directories(const config::Config& config);

/// The sandbox of a process, for the rest of its life. No part of it can be had on every kernel,
/// and none is asked for where programs are run.
class Sandbox {
  public:
    /// Before any thread is started. From then on nothing is executed, nothing written but in
    /// written_directories(), and no system call made that reaches into other processes or the
    /// kernel.
    [[nodiscard]] static Sandbox enter(const config::Config& config);

    /// "landlock, seccomp", "none: programs are run", ...
    [[nodiscard]] const std::string& description() const { return description_; }

    /// What a changed configuration wants that can no longer be had, in words.
    [[nodiscard]] std::vector<std::string> conflicts(const config::Config& config) const;

  private:
    std::string description_;
    bool forbids_programs_ = false;
    bool forbids_writing_ = false;
    std::vector<std::string> written_;
};

}  // namespace postrider::app
