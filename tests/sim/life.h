#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/store/sqlite_ledger.h"
#include "postrider/store/state_dir.h"

#include "app/daemon/roster.h"
#include "sim/network.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::sim {

/// How postrider is configured in a run.
struct Configuration {
    std::vector<config::AccountConfig> accounts;
    std::vector<config::DestinationConfig> destinations;
    std::uint64_t memory = 0;
};

/// One process of postrider, from its start to its end: the real parts, put together as in the
/// daemon, on the simulated loop, network and disk.
class Life {
  public:
    struct World {
        test::SimLoop& loop;
        Network& network;
        Trace& trace;
    };
    struct Calls {
        /// A poll of this account has ended.
        std::function<void(const std::string& account, const app::Tally& tally)> on_polled;
        /// The last one of this account, which was taken out of the configuration.
        std::function<void(const std::string& account)> on_left;
        /// The process has to end.
        std::function<void(const Error&)> on_fatal;
    };

    /// Errors: as those of the state directory, the ledger and the held store.
    [[nodiscard]] static Expected<std::unique_ptr<Life>> begin(World world,
                                                               const Configuration& configuration,
                                                               const store::LedgerOptions& options,
                                                               std::uint64_t seed, Calls calls);
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    /// If the machine is dead, nothing of this has an effect.
    ~Life();

    /// What the configuration says of the accounts now.
    void reload(std::vector<config::AccountConfig> accounts);
    void poll(const std::string& account);
    /// Starts nothing more; polls under way end in good order.
    void wind_down() { roster_->wind_down(); }

    /// Some account polls, or is about to.
    [[nodiscard]] bool is_busy() const;
    [[nodiscard]] bool is_polling() const { return roster_->polling() > 0; }
    [[nodiscard]] bool is_polling(const std::string& account) const;

  private:
    class TraceLog;

    Life(World world, store::StateDir state, std::uint64_t memory, std::uint64_t seed, Calls calls);
    void make_outlet(const config::DestinationConfig& destination);
    void make_roster();
    void on_ended();

    const World world_;
    Random random_;
    const Calls calls_;
    std::unique_ptr<Log> log_;
    const config::Environment environment_;
    store::StateDir state_;
    std::unique_ptr<test::SimWorker> worker_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::HeldStore> held_;
    std::unique_ptr<engine::MemoryBudget> memory_;
    std::unique_ptr<engine::Services> services_;
    std::map<std::string, std::shared_ptr<app::Outlet>> outlets_;
    std::map<std::string, std::uint64_t> polls_;  ///< that were told, by account
    std::unique_ptr<app::Roster> roster_;
};

}  // namespace postrider::sim
