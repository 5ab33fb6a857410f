#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/file_handle.h"

// Programs that are run for us, never through a shell.
namespace postrider {

using ProcessId = int;  ///< pid_t

struct SpawnRequest {
    std::string program;                   ///< a path
    std::vector<std::string> argv;         ///< argv[0] included
    std::vector<std::string> environment;  ///< "NAME=value": all of it
    std::string directory;                 ///< where it starts; empty: where we are
    // Descriptors that become 0, 1 and 2; -1: /dev/null. It gets no other.
    int in = -1;
    int out = -1;
    int err = -1;
};

/// Starts a program in a process group of its own, with no signal blocked or ignored. Errors: io,
/// later; the text says why it cannot be started.
[[nodiscard]] Expected<ProcessId> spawn(const SpawnRequest& request);

/// A started program, until somebody has taken its end. One that is still there at the end of this
/// object is killed with all of its process group, and waited for: nobody survives SIGKILL.
class ChildProcess {
  public:
    /// As spawn(). Errors also: io, if it cannot be watched.
    [[nodiscard]] static Expected<std::unique_ptr<ChildProcess>> start(const SpawnRequest& request);
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    /// Readable when it has ended.
    [[nodiscard]] int handle() const { return handle_.get(); }
    /// Its end as of waitpid(2), once.
    [[nodiscard]] std::optional<int> take_end();
    void signal_group(int signal_number) const;

  private:
    ChildProcess(ProcessId pid, FileHandle handle) : pid_(pid), handle_(std::move(handle)) {}

    ProcessId pid_;
    bool has_ended_ = false;
    FileHandle handle_;
};

/// The file that a program name stands for; nothing if there is none that can be run. A name
/// without a slash is searched in the absolute directories of `path`, as in $PATH.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name,
                                                      std::string_view path);

inline constexpr std::string_view kUsualPath = "/usr/local/bin:/usr/bin:/bin";

/// A pipe; the ends are not inherited by children unless handed to spawn().
struct Pipe {
    FileHandle reading;
    FileHandle writing;

    [[nodiscard]] static Expected<Pipe> make();
};

/// "ended with status 67", "was ended by signal 9": of what waitpid(2) tells. Empty: status 0.
[[nodiscard]] std::string end_in_words(int wait_status);

}  // namespace postrider
