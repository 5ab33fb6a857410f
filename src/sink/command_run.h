#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "postrider/base/process.h"
#include "postrider/base/time.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"

#include "sink/local_content.h"

namespace postrider::sink {

/// What a run is started with.
struct RunOrder {
    std::string program;  ///< as in argv[0]
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::string path;  ///< where the program is searched
    Duration timeout{};
};

/// How it ended: a status of waitpid(2) or why there is none, and what it said.
struct RunEnd {
    Expected<int> wait_status = 0;
    std::string complaint;
};

/// One program that gets one message. It is started, and given the message as fast as it reads; the
/// end of its input, after which it may take responsibility, waits for commit(), and so does the
/// report of a success. Destroying it kills the program first and closes its input then.
///
///   starting -> running (feeding, fed) --commit, time-out-> ending -> done
///
/// At most kComplaintLimit octets of its standard error are kept.
class CommandRun {
  public:
    using Done = std::function<void(RunEnd)>;

    /// `loop` and `worker` outlive the run.
    CommandRun(event::Loop& loop, event::Worker& worker, RunOrder order, LocalContent content,
               Done done);
    CommandRun(const CommandRun&) = delete;
    CommandRun& operator=(const CommandRun&) = delete;
    ~CommandRun();

    void commit();

    static constexpr std::size_t kComplaintLimit = 8192;
    static constexpr Duration kGrace = std::chrono::seconds(5);  ///< SIGTERM to SIGKILL

  private:
    struct Started;

    void on_started();
    void feed();
    void end_input();
    void listen();
    void on_ended();
    void on_timeout();
    void fail(Error error);
    void finish(RunEnd end);

    event::Loop& loop_;
    const RunOrder order_;
    LocalContent content_;
    Done done_;
    std::shared_ptr<Started> started_;  ///< shared with the job that starts it
    std::unique_ptr<event::Operation> job_;
    std::string_view piece_;  ///< of the content: not yet written
    std::string complaint_;
    bool is_committed_ = false;
    bool is_fed_ = false;
    bool is_timed_out_ = false;
    std::optional<RunEnd> withheld_;  ///< a success before commit()
    // Watches end before what they watch.
    std::unique_ptr<event::FdWatch> input_watch_;
    std::unique_ptr<event::FdWatch> error_watch_;
    std::unique_ptr<event::FdWatch> end_watch_;
    std::unique_ptr<event::Timer> deadline_;
};

}  // namespace postrider::sink
