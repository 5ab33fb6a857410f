#include "postrider/base/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postrider {

namespace {

/// The attributes and file actions of posix_spawn, released together.
class SpawnPlan {
  public:
    explicit SpawnPlan(const SpawnRequest& request) {
        ::posix_spawn_file_actions_init(&actions_);
        const std::array<std::pair<int, int>, 3> ends = {
            {{request.in, O_RDONLY}, {request.out, O_WRONLY}, {request.err, O_WRONLY}}};
        for (int target = 0; target < 3; ++target) {
            const auto& [descriptor, mode] = ends[static_cast<std::size_t>(target)];
            if (descriptor < 0) {
                ::posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", mode, 0);
            } else {
                ::posix_spawn_file_actions_adddup2(&actions_, descriptor, target);
            }
        }
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
        if (!request.directory.empty()) {
            ::posix_spawn_file_actions_addchdir_np(&actions_, request.directory.c_str());
        }
        ::posix_spawnattr_init(&attributes_);
        sigset_t none{};
        sigset_t all{};
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (std::string& word : words) {
        result.push_back(word.data());
    }
    result.push_back(nullptr);
    return result;
}

bool is_executable(const std::string& path) {
    std::error_code ignored;
    return ::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

Expected<ProcessId> spawn(const SpawnRequest& request) {
    const SpawnPlan plan(request);
    std::vector<std::string> argv = request.argv;
    std::vector<std::string> environment = request.environment;
    pid_t pid = 0;
    const int code = ::posix_spawn(&pid, request.program.c_str(), plan.actions(), plan.attributes(),
                                   pointers_to(argv).data(), pointers_to(environment).data());
    if (code != 0) {
        return failure(Errc::io, Retry::later,
                       fmt::format("cannot be started: {}", std::generic_category().message(code)));
    }
    return pid;
}

Expected<std::unique_ptr<ChildProcess>> ChildProcess::start(const SpawnRequest& request) {
    const auto pid = spawn(request);
    if (!pid) {
        return failure(pid.error());
    }
    // Not pidfd_open(): the header of glibc 2.36 declares it for C only.
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0));
    const int code = errno;
    std::unique_ptr<ChildProcess> child(new ChildProcess(*pid, FileHandle(handle)));
    if (handle < 0) {
        return failure(Errc::io, Retry::later,
                       "cannot be watched: " + std::generic_category().message(code));
    }
    return child;
}

ChildProcess::~ChildProcess() {
    if (!has_ended_) {
        signal_group(SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

std::optional<int> ChildProcess::take_end() {
    int status = 0;
    if (has_ended_ || ::waitpid(pid_, &status, WNOHANG) != pid_) {
        return std::nullopt;
    }
    has_ended_ = true;
    return status;
}

void ChildProcess::signal_group(int signal_number) const {
    ::kill(-pid_, signal_number);
}

std::optional<std::string> find_program(const std::string& name, std::string_view path) {
    if (name.find('/') != std::string::npos) {
        return is_executable(name) ? std::optional(name) : std::nullopt;
    }
    while (!path.empty()) {
        const std::size_t colon = std::min(path.find(':'), path.size());
        const std::string candidate = std::string(path.substr(0, colon)) + "/" + name;
        // An empty or relative part would mean the current directory, which is nobody's choice.
        if (path.front() == '/' && is_executable(candidate)) {
            return candidate;
        }
        path.remove_prefix(std::min(colon + 1, path.size()));
    }
    return std::nullopt;
}

Expected<Pipe> Pipe::make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return failure(
            Errc::io, Retry::later,
            fmt::format("no pipe for a program: {}", std::generic_category().message(errno)));
    }
    return Pipe{FileHandle(ends[0]), FileHandle(ends[1])};
}

std::string end_in_words(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        return fmt::format("was ended by signal {}", WTERMSIG(wait_status));
    }
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0) {
        return fmt::format("ended with status {}", WEXITSTATUS(wait_status));
    }
    return {};
}

}  // namespace postrider
