#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "postrider/base/file_handle.h"
#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/config/load.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"

#include "app/alerts/alert_desk.h"
#include "app/assembly/assembly.h"
#include "app/commands/exit_code.h"
#include "app/control/control_server.h"
#include "app/control/control_talk.h"
#include "app/control/trace_desk.h"
#include "app/daemon/daemon_facts.h"
#include "app/daemon/loop_watch.h"
#include "app/daemon/pause_book.h"
#include "app/daemon/roster.h"
#include "app/daemon/service_manager.h"
#include "app/held/held_desk.h"
#include "app/metrics/http_server.h"
#include "app/process/sandbox.h"

namespace postrider::app {

/// `postrider run`: polls all accounts until it is told to end.
///
///   running --SIGTERM, SIGINT, fatal fault--> draining --idle | stop_timeout | second signal-->
///   over
///
/// SIGHUP: the configuration is read anew; if anything is wrong with it, all stays as it is.
/// SIGUSR1: all accounts are polled now.
class Daemon {
  public:
    /// `assembly` was made of `config`, which was read from `file`; `control` is the socket that
    /// listens for what the configuration calls so.
    Daemon(event::Loop& loop, Assembly& assembly, config::Config config, std::string file,
           config::Environment environment, FileHandle control, Sandbox sandbox);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();

    /// Accounts that were paused when the last daemon ended still are. Before run(). Errors:
    /// config, io.
    [[nodiscard]] Expected<void> take_over_pauses();

    /// Offers metrics and health, if the configuration says so. Errors: config.
    [[nodiscard]] Expected<void> open_metrics();

    /// To the end of the program.
    ExitCode run();

    /// `done` is told from the loop. A reload that is asked for while another one runs is told the
    /// outcome of one that begins after it.
    void reload(ReloadDone done);

  private:
    void watch_signals();
    void on_terminate();
    void drain(ExitCode code);
    void end();
    void begin_reload();
    void on_loaded(config::LoadResult loaded);
    [[nodiscard]] Reloaded apply(config::Config config);
    Roster::Applied take_over_accounts();
    [[nodiscard]] DaemonFacts facts() const;
    [[nodiscard]] HttpServer::Answer answer(const std::string& path) const;
    void end_if_idle();
    void tell_status();

    event::Loop& loop_;
    Assembly& assembly_;
    Log& log_;
    config::Config config_;  ///< without its accounts: the roster has them
    const std::string file_;
    const ServiceManager manager_;
    const config::Environment environment_;  ///< for programs that are run
    std::unique_ptr<event::Worker> worker_;
    LoopWatch watch_;
    Roster roster_;
    PauseBook pauses_;
    HeldDesk held_;
    const WallTime started_;
    ControlTalk::Ground control_ground_;
    ControlServer control_;
    std::vector<std::unique_ptr<event::Operation>> signals_;
    std::unique_ptr<event::Timer> stop_;    ///< when draining has taken long enough
    std::unique_ptr<event::Timer> status_;  ///< STATUS= for the service manager
    std::unique_ptr<event::Operation> loading_;
    std::vector<ReloadDone> reload_waiters_;  ///< of the reload that runs
    std::vector<ReloadDone> next_waiters_;    ///< of the one after it
    AlertDesk alerts_;
    const Sandbox sandbox_;
    std::unique_ptr<HttpServer> http_;  ///< null: no metrics
    WallTime configured_;               ///< when the configuration in force was read
    bool is_reload_good_ = true;        ///< of the last one
    bool is_draining_ = false;
    ExitCode exit_code_ = ExitCode::ok;
};

}  // namespace postrider::app
