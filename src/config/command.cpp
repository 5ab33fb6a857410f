#include "config/command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postrider/base/process.h"
#include "postrider/base/text.h"

namespace postrider::config {

namespace {

constexpr std::size_t kShownStderr = 256;

// Not the loop's clock: commands run before there is a loop.
using Clock = std::chrono::steady_clock;

tl::unexpected<Error> command_failed(std::string text) {
    return failure(Errc::config, Retry::never, std::move(text));
}

/// A pipe whose writing end the child gets.
class OutputPipe {
  public:
    explicit OutputPipe(Pipe ends) : ends_(std::move(ends)) {
        ::fcntl(ends_.reading.get(), F_SETFL, O_NONBLOCK);
    }

    [[nodiscard]] int reading() const { return ends_.reading.get(); }
    [[nodiscard]] int writing() const { return ends_.writing.get(); }
    void close_writing() { ends_.writing = FileHandle(); }

    /// Takes what is there, up to `limit` octets in all; what is beyond is noted, not kept.
    void drain(std::string& into, std::size_t limit) {
        std::array<char, 4096> chunk{};
        while (ends_.reading.is_open()) {
            const ssize_t n = ::read(reading(), chunk.data(), chunk.size());
            if (n > 0) {
                const auto got = static_cast<std::size_t>(n);
                const std::size_t room = limit - into.size();
                into.append(chunk.data(), std::min(got, room));
                has_overflowed_ = has_overflowed_ || got > room;
            } else if (n == 0) {
                ends_.reading = FileHandle();
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
    Pipe ends_;
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
    [[nodiscard]] std::string fault() const { return end_in_words(status_.value_or(0)); }

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

struct Output {
    std::string out;
    std::string err;
};

/// Collects until the child has ended, a pipe has too much, or time is up. Empty: it has ended.
std::string collect(Child& child, OutputPipe& out, OutputPipe& err, const CommandLimits& limits,
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

}  // namespace

std::optional<std::string> find_program(const std::string& name, const Environment& environment) {
    return postrider::find_program(name,
                                   environment.variable("PATH").value_or(std::string(kUsualPath)));
}

Expected<Secret> run_command(const std::vector<std::string>& argv, const Environment& environment,
                             const CommandLimits& limits) {
    const auto program = find_program(argv.front(), environment);
    if (!program) {
        return command_failed("there is no such program, or it cannot be run");
    }
    Expected<Pipe> out_ends = Pipe::make();
    Expected<Pipe> err_ends = Pipe::make();
    if (!out_ends || !err_ends) {
        return command_failed((out_ends ? err_ends : out_ends).error().text);
    }
    OutputPipe out(std::move(*out_ends));
    OutputPipe err(std::move(*err_ends));
    SpawnRequest request{*program, argv, {}, {}, -1, out.writing(), err.writing()};
    for (const auto& [name, value] : environment.variables) {
        request.environment.push_back(fmt::format("{}={}", name, value));
    }
    const Expected<ProcessId> pid = spawn(request);
    if (!pid) {
        return command_failed(pid.error().text);
    }
    Child child(*pid);
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
