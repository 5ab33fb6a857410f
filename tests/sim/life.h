#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/engine/account_poll.h"
#include "postrider/protocol/smtp/dialogue.h"
#include "postrider/source/pop3_source.h"
#include "postrider/store/sqlite_ledger.h"
#include "postrider/store/state_dir.h"

#include "sim/network.h"
#include "sim/random.h"
#include "support/null_log.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::sim {

/// How one account of a run is configured.
struct AccountPlan {
    engine::AccountPolicy policy;
    std::string pop3_host;
    std::size_t destination = 0;
    source::Consumes consumes = source::Consumes::automatic;
};

/// How one destination is.
struct DestinationPlan {
    std::string host;
    smtp::Flavour flavour = smtp::Flavour::smtp;
    std::size_t connections = 1;
};

/// How postrider is configured in a run.
struct Configuration {
    std::vector<AccountPlan> accounts;
    std::vector<DestinationPlan> destinations;
    std::uint64_t memory = 0;
};

/// One process of postrider, from its start to its end: the real parts, put together as in the
/// program, on the simulated loop, network and disk.
class Life {
  public:
    using Ended = std::function<void(std::size_t account, const engine::PollReport&)>;

    /// Errors: as those of the state directory, the ledger and the held store.
    [[nodiscard]] static Expected<std::unique_ptr<Life>> begin(test::SimLoop& loop,
                                                               Network& network,
                                                               const Configuration& configuration,
                                                               const store::LedgerOptions& options,
                                                               std::uint64_t seed);
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    /// If the machine is dead, nothing of this has an effect.
    ~Life();

    void poll(std::size_t account, Ended ended);
    [[nodiscard]] bool is_polling() const { return !polls_.empty(); }

  private:
    struct Poll {
        std::unique_ptr<source::SourceFactory> source;
        std::unique_ptr<engine::AccountPoll> poll;
    };

    Life(test::SimLoop& loop, Network& network, const Configuration& configuration,
         store::StateDir state, std::uint64_t seed);
    void make_destinations();

    test::SimLoop& loop_;
    Network& network_;
    const Configuration& configuration_;
    Random random_;
    test::NullLog log_;
    store::StateDir state_;
    std::unique_ptr<test::SimWorker> worker_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::HeldStore> held_;
    std::unique_ptr<engine::MemoryBudget> memory_;
    std::unique_ptr<engine::Services> services_;
    std::vector<std::unique_ptr<sink::MailSink>> sinks_;
    std::vector<std::unique_ptr<engine::Destination>> destinations_;
    std::map<std::size_t, Poll> polls_;
};

}  // namespace postrider::sim
