#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/log.h"
#include "postrider/config/config.h"
#include "postrider/engine/destination.h"
#include "postrider/engine/memory_budget.h"
#include "postrider/engine/services.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/net/connector.h"
#include "postrider/source/source.h"
#include "postrider/store/held.h"
#include "postrider/store/ledger.h"
#include "postrider/store/sqlite_ledger.h"
#include "postrider/store/state_dir.h"

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
        event::Loop& loop, const config::Config& config, const store::LedgerOptions& options);

    [[nodiscard]] engine::Services& services() { return *services_; }
    [[nodiscard]] engine::Destination& destination(const std::string& name) {
        return *destinations_.at(name);
    }
    [[nodiscard]] std::unique_ptr<source::SourceFactory> make_source(
        const config::AccountConfig& account);
    [[nodiscard]] const store::StateDir& state() const { return state_; }

  private:
    explicit Assembly(store::StateDir state) : state_(std::move(state)) {}
    void make_destinations(event::Loop& loop, const config::Config& config);
    [[nodiscard]] std::unique_ptr<sink::MailSink> make_sink(
        event::Loop& loop, const config::DestinationConfig& destination);

    store::StateDir state_;
    std::unique_ptr<Log> log_;
    std::unique_ptr<event::Worker> worker_;
    std::unique_ptr<event::Worker> login_worker_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::HeldStore> held_;
    std::unique_ptr<net::Connector> connector_;
    std::unique_ptr<engine::MemoryBudget> memory_;
    std::unique_ptr<engine::Services> services_;
    std::map<std::string, std::unique_ptr<sink::MailSink>> sinks_;
    std::map<std::string, std::unique_ptr<engine::Destination>> destinations_;
};

/// This machine's name, as it is fit for the wire.
[[nodiscard]] std::string own_host_name();

}  // namespace postrider::app
