#include "app/daemon/daemon.h"

#include <csignal>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>

#include "postrider/base/text.h"
#include "postrider/config/secrets.h"

#include "app/assembly/changes.h"
#include "app/metrics/metrics_page.h"
#include "app/metrics/process_figures.h"

namespace postrider::app {

namespace {

/// For passwords and reloads: what may block for long must not keep held copies waiting.
constexpr std::size_t kWorkerThreads = 2;

constexpr Duration kStatusEvery = std::chrono::seconds(5);

/// Everything that can be said about a configuration without using it, and the passwords of its
/// destinations; blocks.
config::LoadResult load_and_check(const std::string& file, const config::Environment& environment) {
    config::LoadResult loaded = config::load(file, environment);
    if (loaded.config) {
        loaded.problems = config::check_files(*loaded.config, environment);
        if (loaded.problems.empty()) {
            loaded.problems = config::resolve_destination_secrets(*loaded.config, environment);
        }
        if (!loaded.problems.empty()) {
            loaded.config.reset();
        }
    }
    return loaded;
}

/// Only this process speaks with the service manager.
config::Environment without_notification(config::Environment environment) {
    for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
        environment.variables.erase(name);
    }
    return environment;
}

/// A configuration is far larger while it is read than what is kept of it.
void give_memory_back() {
    malloc_trim(0);
}

}  // namespace

Daemon::Daemon(event::Loop& loop, Assembly& assembly, config::Config config, std::string file,
               config::Environment environment, FileHandle control, Sandbox sandbox)
    : loop_(loop),
      assembly_(assembly),
      log_(assembly.services().log),
      config_(std::move(config)),
      file_(std::move(file)),
      manager_(environment),
      environment_(without_notification(std::move(environment))),
      worker_(event::make_thread_worker(loop, kWorkerThreads)),
      watch_(loop, assembly.services().ledger, manager_, log_),
      roster_({assembly.services(), *worker_, environment_,
               [this](const config::AccountConfig& account) {
                   return assembly_.make_source(account,
                                                assembly_.traces().transcript_of(account.name));
               },
               [&assembly](const std::string& name) { return assembly.outlet(name); }},
              config_.limits,
              {[this] { end_if_idle(); },
               [this](const Error& error) {
                   log_.error("fatal", {{"error", error.text}});
                   drain(ExitCode::temporary);
               }}),
      pauses_(loop, *worker_, assembly.state().descriptor()),
      held_({loop,
             *worker_,
             assembly.services().ledger,
             roster_,
             [&assembly](const std::string& name) { return assembly.sink(name); },
             store::HeldCopies(assembly.state().path()),
             {assembly.state().spool_path()},
             [this] { end_if_idle(); }}),
      started_(loop.wall_now()),
      control_ground_{
          loop,
          roster_,
          assembly.traces(),
          assembly.outlets(),
          [this] { return facts(); },
          [this](ReloadDone done) { reload(std::move(done)); },
          held_,
          [this](PauseBook::Done done) { pauses_.keep(roster_.paused(), std::move(done)); }},
      control_(control_ground_, log_, config_.control, std::move(control)),
      stop_(loop.make_timer([this] { end(); })),
      status_(loop.make_timer([this] { tell_status(); })),
      alerts_({loop, *worker_, log_, roster_, assembly.outlets(), environment_,
               assembly.services().own_host},
              config_.alerts),
      sandbox_(std::move(sandbox)),
      configured_(started_) {
    take_over_accounts();
    give_memory_back();
}

Daemon::~Daemon() = default;

Expected<void> Daemon::take_over_pauses() {
    Expected<PauseBook::Names> paused = PauseBook::read(assembly_.state().descriptor());
    if (!paused) {
        return failure(paused.error());
    }
    for (const std::string& name : *paused) {
        if (roster_.has(name)) {
            log_.warn("paused", {{"account", name}, {"why", "it was when the last daemon ended"}});
        }
    }
    roster_.set_paused(*std::move(paused));
    return {};
}

Expected<void> Daemon::open_metrics() {
    const config::Metrics& metrics = config_.metrics;
    if (metrics.host.empty()) {
        return {};
    }
    Expected<std::unique_ptr<HttpServer>> server =
        HttpServer::listen(loop_, metrics.host, metrics.port,
                           [this](const std::string& path) { return answer(path); });
    if (!server) {
        return failure(server.error());
    }
    http_ = std::move(*server);
    watch_.watch_ledger();
    return {};
}

HttpServer::Answer Daemon::answer(const std::string& path) const {
    if (path == "/metrics") {
        const DaemonFacts now = facts();
        const ProcessFigures process = ProcessFigures::now();
        return {.body = metrics_page({roster_,
                                      assembly_.outlets(),
                                      now,
                                      assembly_.ledger_figures(),
                                      process,
                                      {loop_.now(), loop_.wall_now()}},
                                     config_.metrics.accounts),
                .type = "text/plain; version=0.0.4; charset=utf-8"};
    }
    if (path == "/healthz") {
        const auto ailment = watch_.ailment();
        return ailment ? HttpServer::Answer{503, *ailment + "\n"} : HttpServer::Answer{200, "ok\n"};
    }
    if (path == "/readyz") {
        return is_draining_ ? HttpServer::Answer{503, "ending\n"}
                            : HttpServer::Answer{200, "ready\n"};
    }
    return {404, "here are /metrics, /healthz and /readyz\n"};
}

ExitCode Daemon::run() {
    watch_signals();
    log_.info("started", {{"accounts", roster_.members().size()},
                          {"destinations", config_.destinations.size()},
                          {"sandbox", sandbox_.description()}});
    loop_.defer([this] {
        manager_.ready();
        tell_status();
    });
    loop_.run();
    log_.info("ended");
    return exit_code_;
}

void Daemon::watch_signals() {
    for (const int number : {SIGTERM, SIGINT}) {
        signals_.push_back(loop_.watch_signal(number, [this] { on_terminate(); }));
    }
    signals_.push_back(loop_.watch_signal(SIGHUP, [this] { reload([](const Reloaded&) {}); }));
    signals_.push_back(loop_.watch_signal(SIGUSR1, [this] { roster_.poll_all_now(); }));
}

void Daemon::on_terminate() {
    if (is_draining_) {
        log_.warn("cut", {{"why", "told to end a second time"}});
        end();
        return;
    }
    drain(ExitCode::ok);
}

void Daemon::drain(ExitCode code) {
    if (code != ExitCode::ok) {
        exit_code_ = code;
    }
    if (is_draining_) {
        return;
    }
    is_draining_ = true;
    manager_.stopping();
    loading_.reset();
    roster_.wind_down();
    held_.wind_down();
    log_.info("stopping", {{"polls_to_end", roster_.polling()}});
    stop_->arm(config_.limits.stop_timeout);
    end_if_idle();
}

void Daemon::end_if_idle() {
    if (is_draining_ && roster_.polling() == 0 && held_.is_idle()) {
        loop_.stop();
    }
}

void Daemon::end() {
    roster_.cut();
    loop_.stop();
}

void Daemon::reload(ReloadDone done) {
    if (is_draining_) {
        done({{}, "the daemon is ending: nothing is read any more"});
        return;
    }
    if (loading_ != nullptr) {
        next_waiters_.push_back(std::move(done));
        return;
    }
    reload_waiters_.push_back(std::move(done));
    begin_reload();
}

void Daemon::begin_reload() {
    manager_.reloading(loop_.now());
    // Owners: the job, until it is done, and its completion.
    const auto loaded = std::make_shared<config::LoadResult>();
    loading_ =
        worker_->run([loaded, file = file_,
                      environment = environment_] { *loaded = load_and_check(file, environment); },
                     [this, loaded] {
                         loop_.defer_delete(std::move(loading_));
                         on_loaded(std::move(*loaded));
                     });
}

void Daemon::on_loaded(config::LoadResult loaded) {
    Reloaded reloaded;
    is_reload_good_ = loaded.config.has_value();
    if (loaded.config) {
        configured_ = loop_.wall_now();
        reloaded = apply(std::move(*loaded.config));
        log_.info("reloaded", {{"outcome", reloaded.summary}});
    } else {
        reloaded.problems = std::move(loaded.problems);
        reloaded.summary = "the configuration is wrong: all stays as it was";
        for (const config::Problem& problem : reloaded.problems) {
            log_.error("not-reloaded", {{"problem", problem.to_text()}});
        }
    }
    give_memory_back();
    manager_.ready();
    const std::vector<ReloadDone> waiters = std::exchange(reload_waiters_, {});
    reload_waiters_ = std::exchange(next_waiters_, {});
    if (!reload_waiters_.empty()) {
        begin_reload();
    }
    for (const ReloadDone& waiter : waiters) {
        waiter(reloaded);
    }
}

Reloaded Daemon::apply(config::Config config) {
    Reloaded reloaded;
    for (const std::string& key : only_at_start(config_, config)) {
        reloaded.summary += key + " is taken over at the next start; ";
    }
    for (const std::string& conflict : sandbox_.conflicts(config)) {
        reloaded.summary += conflict + "; ";
    }
    assembly_.reconfigure(config_, config);
    for (const auto& [name, outlet] : assembly_.outlets()) {
        outlet->destination.reopen();
    }
    const std::string state_dir = config_.state_dir;
    const config::LogConfig log = config_.log;
    const config::Control control = config_.control;
    const config::Metrics metrics = config_.metrics;
    const config::Privileges privileges = config_.privileges;
    config_ = std::move(config);
    config_.state_dir = state_dir;
    config_.log = log;
    config_.control = control;
    config_.metrics = metrics;
    config_.privileges = privileges;
    alerts_.change(config_.alerts);
    const Roster::Applied applied = take_over_accounts();
    roster_.look_again();
    reloaded.summary +=
        fmt::format("{} added, {} removed, {} changed", counted(applied.added, "account"),
                    applied.removed, applied.changed);
    return reloaded;
}

Roster::Applied Daemon::take_over_accounts() {
    std::set<std::string> secret_variables = config::secret_variables(config_);
    return roster_.apply(std::exchange(config_.accounts, {}), config_.limits,
                         std::move(secret_variables));
}

DaemonFacts Daemon::facts() const {
    return {.started = started_,
            .loop_lag = watch_.lag(),
            .memory_in_flight = assembly_.services().memory.used(),
            .connections = assembly_.open_streams(),
            .held_copies = assembly_.held_copies(),
            .configured = configured_,
            .is_reload_good = is_reload_good_,
            .is_stopping = is_draining_};
}

void Daemon::tell_status() {
    std::size_t troubled = 0;
    for (const auto& [name, member] : roster_.members()) {
        troubled += member.keeper->tally().trouble ? 1U : 0U;
    }
    const engine::Scheduler::Figures figures = roster_.figures();
    manager_.status(fmt::format("{}: {} being polled, {} waiting for their turn, {} in trouble",
                                counted(figures.accounts, "account"), figures.running, figures.due,
                                troubled));
    status_->arm(kStatusEvery);
}

}  // namespace postrider::app
