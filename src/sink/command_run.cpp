#include "sink/command_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "postrider/base/assert.h"

namespace postrider::sink {

/// What the starting job leaves behind. Input is declared before the child: it closes after the
/// child was killed.
struct CommandRun::Started {
    FileHandle input;
    FileHandle errors;
    std::unique_ptr<ChildProcess> child;
    std::optional<Error> error;

    void start(const RunOrder& order) {
        const auto program = find_program(order.program, order.path);
        if (!program) {
            error =
                Error{Errc::config, Retry::later, "there is no such program, or it cannot be run"};
            return;
        }
        auto in = Pipe::make();
        auto err = Pipe::make();
        if (!in || !err) {
            error = (in ? err : in).error();
            return;
        }
        SpawnRequest request{*program,          order.argv, order.environment, "/",
                             in->reading.get(), -1,         err->writing.get()};
        auto begun = ChildProcess::start(request);
        if (!begun) {
            error = begun.error();
            return;
        }
        child = std::move(*begun);
        input = std::move(in->writing);
        errors = std::move(err->reading);
        for (const FileHandle* const end : {&input, &errors}) {
            ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
        }
    }
};

CommandRun::CommandRun(event::Loop& loop, event::Worker& worker, RunOrder order,
                       LocalContent content, Done done)
    : loop_(loop),
      order_(std::move(order)),
      content_(std::move(content)),
      done_(std::move(done)),
      started_(std::make_shared<Started>()),
      job_(worker.run([started = started_, order = order_] { started->start(order); },
                      [this] { on_started(); })),
      deadline_(loop.make_timer([this] { on_timeout(); })) {}

CommandRun::~CommandRun() = default;

void CommandRun::commit() {
    is_committed_ = true;
    if (withheld_) {
        // Not from inside this call: the end is told from the loop.
        deadline_->arm(Duration::zero());
        return;
    }
    if (job_ == nullptr) {
        deadline_->arm(order_.timeout);
    }
    if (is_fed_) {
        end_input();
    }
}

void CommandRun::on_started() {
    job_.reset();
    if (started_->error) {
        fail(*started_->error);
        return;
    }
    if (is_committed_) {
        deadline_->arm(order_.timeout);
    }
    error_watch_ = loop_.watch_fd(started_->errors.get(), event::Interest::read,
                                  [this](event::Readiness) { listen(); });
    end_watch_ = loop_.watch_fd(started_->child->handle(), event::Interest::read,
                                [this](event::Readiness) { on_ended(); });
    input_watch_ = loop_.watch_fd(started_->input.get(), event::Interest::write,
                                  [this](event::Readiness) { feed(); });
}

/// One piece a turn at most: other accounts have their turn, too.
void CommandRun::feed() {
    if (piece_.empty()) {
        const auto next = content_.next();
        if (!next) {
            fail(next.error());
            return;
        }
        piece_ = *next;
    }
    const ssize_t written = ::write(started_->input.get(), piece_.data(), piece_.size());
    const int code = errno;
    if (written >= 0) {
        piece_.remove_prefix(static_cast<std::size_t>(written));
    }
    // A program that reads no more has enough; its status tells what it thinks of it.
    const bool wants_no_more = written < 0 && code != EAGAIN && code != EINTR;
    if (wants_no_more || (written == 0 && piece_.empty())) {
        is_fed_ = true;
        input_watch_.reset();
        if (is_committed_) {
            end_input();
        }
    }
}

void CommandRun::end_input() {
    input_watch_.reset();
    started_->input = FileHandle();
}

void CommandRun::listen() {
    constexpr int kMostReads = 16;  // a whole pipe; a program that goes on writing waits its turn
    std::array<char, 4096> chunk{};
    for (int reads = 0; reads < kMostReads; ++reads) {
        const ssize_t got = ::read(started_->errors.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            error_watch_.reset();
        }
        if (got <= 0) {
            return;
        }
        const std::size_t room = kComplaintLimit - complaint_.size();
        complaint_.append(chunk.data(), std::min(static_cast<std::size_t>(got), room));
        if (static_cast<std::size_t>(got) < chunk.size()) {
            return;
        }
    }
}

void CommandRun::on_ended() {
    if (is_timed_out_) {
        // While its end is not taken the group is its own, and nobody else's by the same number.
        started_->child->signal_group(SIGKILL);
    }
    const auto status = started_->child->take_end();
    if (!status) {
        return;
    }
    end_watch_.reset();
    if (error_watch_ != nullptr) {
        listen();  // all it wrote is there now; what it left running is not waited for
    }
    if (is_timed_out_) {
        fail({Errc::timed_out, Retry::later, "did not end within " + to_text(order_.timeout)});
        return;
    }
    RunEnd end{*status, complaint_};
    if (*status == 0 && !is_committed_) {
        withheld_ = std::move(end);
        return;
    }
    finish(std::move(end));
}

void CommandRun::on_timeout() {
    if (withheld_) {
        finish(std::move(*withheld_));
        return;
    }
    started_->child->signal_group(std::exchange(is_timed_out_, true) ? SIGKILL : SIGTERM);
    deadline_->arm(kGrace);
}

void CommandRun::fail(Error error) {
    finish({failure(std::move(error)), complaint_});
}

void CommandRun::finish(RunEnd end) {
    deadline_->disarm();
    input_watch_.reset();
    error_watch_.reset();
    end_watch_.reset();
    const Done done = std::move(done_);
    done(std::move(end));
}

}  // namespace postrider::sink
