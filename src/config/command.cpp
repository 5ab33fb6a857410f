#include "config/command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postrider/base/text.h"

namespace postrider::config {

namespace {

constexpr std::size_t kShownStderr = 256;

// Not the loop's clock: commands run before there is a loop.
using Clock = std::chrono::steady_clock;

tl::unexpected<Error> command_failed(std::string text) {
    return failure(Errc::config, Retry::never, std::move(text));
}

std::string message_of(int code) {
    return std::generic_category().message(code);
}

/// A pipe whose writing end the child gets.
class Pipe {
  public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) == 0) {
            ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_end(ends_[0]);
        close_end(ends_[1]);
    }

    [[nodiscard]] bool is_open() const { return ends_[0] >= 0; }
    [[nodiscard]] int reading() const { return ends_[0]; }
    [[nodiscard]] int writing() const { return ends_[1]; }
    void close_writing() { close_end(ends_[1]); }

    /// Takes what is there, up to `limit` octets in all; what is beyond is noted, not kept.
    void drain(std::string& into, std::size_t limit) {
        std::array<char, 4096> chunk{};
        while (ends_[0] >= 0) {
            const ssize_t n = ::read(ends_[0], chunk.data(), chunk.size());
            if (n > 0) {
                const auto got = static_cast<std::size_t>(n);
                const std::size_t room = limit - into.size();
                into.append(chunk.data(), std::min(got, room));
                has_overflowed_ = has_overflowed_ || got > room;
            } else if (n == 0) {
                close_end(ends_[0]);
            } else if (errno != EINTR) {
                break;
            }
            if (has_overflowed_) {
                break;
            }
        }
        ::explicit_bzero(chunk.data(), chunk.size());
    }
    [[nodiscard]] bool has_overflowed() const { return has_overflowed_; }

  private:
    static void close_end(int& fd) {
        if (fd >= 0) {
            ::close(fd);
            fd = -1;
        }
    }

    std::array<int, 2> ends_ = {-1, -1};
    bool has_overflowed_ = false;
};

/// A started child; killed with its process group and reaped if it is still there at the end.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (!status_) {
            ::kill(-pid_, SIGKILL);
            reap(0);
        }
    }

    [[nodiscard]] bool has_ended() {
        if (!status_) {
            reap(WNOHANG);
        }
        return status_.has_value();
    }

    /// How it ended; empty: as it should.
    [[nodiscard]] std::string fault() const {
        const int status = status_.value_or(0);
        if (WIFSIGNALED(status)) {
            return fmt::format("was ended by signal {}", WTERMSIG(status));
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
            return fmt::format("ended with status {}", WEXITSTATUS(status));
        }
        return {};
    }

  private:
    void reap(int flags) {
        int status = 0;
        pid_t result = 0;
        do {
            result = ::waitpid(pid_, &status, flags);
        } while (result < 0 && errno == EINTR);
        if (result != 0) {
            status_ = status;
        }
    }

    pid_t pid_;
    std::optional<int> status_;
};

/// The attributes and file actions of posix_spawn, released together.
class SpawnPlan {
  public:
    SpawnPlan(const Pipe& out, const Pipe& err) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, out.writing(), 1);
        ::posix_spawn_file_actions_adddup2(&actions_, err.writing(), 2);
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

    /// The process id, or the code of the error, negated.
    [[nodiscard]] pid_t start(const std::string& program, std::vector<std::string> argv,
                              std::vector<std::string> variables) const {
        const auto pointers = [](std::vector<std::string>& words) {
            std::vector<char*> result;
            result.reserve(words.size() + 1);
            for (std::string& word : words) {
                result.push_back(word.data());
            }
            result.push_back(nullptr);
            return result;
        };
        pid_t pid = 0;
        const int code = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_,
                                       pointers(argv).data(), pointers(variables).data());
        return code == 0 ? pid : -code;
    }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

struct Output {
    std::string out;
    std::string err;
};

/// Collects until the child has ended, a pipe has too much, or time is up. Empty: it has ended.
std::string collect(Child& child, Pipe& out, Pipe& err, const CommandLimits& limits,
                    Output& output) {
    constexpr std::chrono::milliseconds kTick(10);  // nothing wakes poll() when the child ends
    const Clock::time_point deadline = Clock::now() + limits.time;
    while (true) {
        const bool has_ended = child.has_ended();  // before draining: all it wrote is there now
        out.drain(output.out, limits.output);
        err.drain(output.err, limits.output);
        if (out.has_overflowed()) {
            return "wrote more than " + human_bytes(limits.output);
        }
        if (has_ended) {
            return {};
        }
        if (Clock::now() >= deadline) {
            return "did not end within " + to_text(limits.time);
        }
        // A closed pipe has fd -1, which poll() passes over.
        const int err_fd = err.has_overflowed() ? -1 : err.reading();
        std::array<pollfd, 2> waits = {{{out.reading(), POLLIN, 0}, {err_fd, POLLIN, 0}}};
        ::poll(waits.data(), waits.size(), static_cast<int>(kTick.count()));
    }
}

bool is_executable(const std::string& path) {
    std::error_code ignored;
    return ::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

std::optional<std::string> find_program(const std::string& name, const Environment& environment) {
    if (name.find('/') != std::string::npos) {
        return is_executable(name) ? std::optional(name) : std::nullopt;
    }
    const std::string path = environment.variable("PATH").value_or("/usr/bin:/bin");
    std::string_view rest = path;
    while (!rest.empty()) {
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
        // An empty or relative part would mean the current directory, which is nobody's choice.
        if (rest.front() == '/' && is_executable(candidate)) {
            return candidate;
        }
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return std::nullopt;
}

Expected<Secret> run_command(const std::vector<std::string>& argv, const Environment& environment,
                             const CommandLimits& limits) {
    const auto program = find_program(argv.front(), environment);
    if (!program) {
        return command_failed("there is no such program, or it cannot be run");
    }
    Pipe out;
    Pipe err;
    if (!out.is_open() || !err.is_open()) {
        return command_failed("no pipe for the program: " + message_of(errno));
    }
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment.variables) {
        variables.push_back(fmt::format("{}={}", name, value));
    }
    const pid_t pid = SpawnPlan(out, err).start(*program, argv, std::move(variables));
    if (pid < 0) {
        return command_failed("cannot be started: " + message_of(-pid));
    }
    Child child(pid);
    out.close_writing();
    err.close_writing();

    Output output;
    output.out.reserve(limits.output);  // a string that grows would leave copies behind
    std::string fault = collect(child, out, err, limits, output);
    Secret secret(std::move(output.out));
    if (fault.empty()) {
        fault = child.fault();
    }
    if (fault.empty()) {
        return secret;
    }
    const std::string_view complaint = trimmed(output.err);
    if (!complaint.empty()) {
        fault += ", saying: " + escaped(complaint, kShownStderr);
    }
    return command_failed(std::move(fault));
}

}  // namespace postrider::config
