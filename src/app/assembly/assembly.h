#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/log.h"
#include "postrider/config/config.h"
#include "postrider/engine/memory_budget.h"
#include "postrider/engine/services.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/net/connector.h"
#include "postrider/protocol/pop3/transcript.h"
#include "postrider/source/source.h"
#include "postrider/store/held.h"
#include "postrider/store/ledger.h"
#include "postrider/store/sqlite_ledger.h"
#include "postrider/store/state_dir.h"

#include "app/assembly/outlet.h"
#include "app/control/trace_desk.h"
#include "app/metrics/timed_ledger.h"

namespace postrider::app {

/// What logins may block: tokens are fetched by programs, and a server may make us compute a key
/// for a second. So many accounts at a time do.
inline constexpr std::size_t kLoginThreads = 4;

/// Everything a running postrider consists of, made from its configuration and owned here: the one
/// place that names concrete classes.
class Assembly {
  public:
    /// Takes the lock on the state directory and opens what is in it. `loop` outlives the assembly.
    /// Errors: config, locked, doubt, corrupt, io.
    [[nodiscard]] static Expected<std::unique_ptr<Assembly>> make(
        event::Loop& loop, const config::Config& config, const store::LedgerOptions& options,
        std::unique_ptr<Log> log);

    /// Takes over what has changed of destinations and limits. Polls under way keep the outlet they
    /// have.
    void reconfigure(const config::Config& from, const config::Config& to);

    [[nodiscard]] engine::Services& services() { return *services_; }
    /// Owners: this assembly and, until they end, the polls that deliver there.
    [[nodiscard]] std::shared_ptr<Outlet> outlet(const std::string& name) const {
        return outlets_.at(name);
    }
    /// For a delivery that is no poll's; null if there is no such destination. It stays as long as
    /// somebody has it.
    [[nodiscard]] std::shared_ptr<sink::MailSink> sink(const std::string& name) const;
    [[nodiscard]] const std::map<std::string, std::shared_ptr<Outlet>>& outlets() const {
        return outlets_;
    }
    [[nodiscard]] std::unique_ptr<source::SourceFactory> make_source(
        const config::AccountConfig& account,
        std::shared_ptr<pop3::Transcript> transcript = nullptr);
    [[nodiscard]] TraceDesk& traces() { return *traces_; }
    [[nodiscard]] const store::StateDir& state() const { return state_; }
    [[nodiscard]] const LedgerFigures& ledger_figures() const { return ledger_->figures(); }
    [[nodiscard]] std::size_t open_streams() const { return connector_->open_streams(); }
    /// Copies of refused messages; looks at the disk.
    [[nodiscard]] std::size_t held_copies() const;

  private:
    explicit Assembly(store::StateDir state) : state_(std::move(state)) {}
    void make_outlet(const config::DestinationConfig& destination);
    [[nodiscard]] std::unique_ptr<sink::MailSink> make_sink(
        const config::DestinationConfig& destination);

    store::StateDir state_;
    std::unique_ptr<TraceDesk> traces_ = std::make_unique<TraceDesk>();
    std::unique_ptr<Log> log_;
    std::unique_ptr<event::Worker> worker_;
    std::unique_ptr<event::Worker> login_worker_;
    std::unique_ptr<TimedLedger> ledger_;
    std::unique_ptr<store::HeldStore> held_;
    std::unique_ptr<net::Connector> connector_;
    std::unique_ptr<engine::MemoryBudget> memory_;
    std::unique_ptr<engine::Services> services_;
    std::map<std::string, std::shared_ptr<Outlet>> outlets_;
};

/// What the commands that a person runs log: every message's line only if asked for.
[[nodiscard]] std::unique_ptr<Log> make_command_log(const config::LogConfig& config);

/// This machine's name, as it is fit for the wire.
[[nodiscard]] std::string own_host_name();

}  // namespace postrider::app
