#include "sim/life.h"

#include <chrono>
#include <utility>

#include "postrider/sink/smtp_sink.h"
#include "postrider/store/maildir_held_store.h"

#include "store/ledger_parts.h"
#include "support/sim_attendant.h"

namespace postrider::sim {

using namespace std::chrono_literals;

Expected<std::unique_ptr<Life>> Life::begin(test::SimLoop& loop, Network& network,
                                            const Configuration& configuration,
                                            const store::LedgerOptions& options,
                                            std::uint64_t seed) {
    auto state = store::StateDir::open("/sim/state");
    if (!state) {
        return failure(state.error());
    }
    std::unique_ptr<Life> life(new Life(loop, network, configuration, *std::move(state), seed));
    Random* const random = &life->random_;
    const auto pace = [random] { return Duration(1us) * static_cast<int>(random->skewed(20'000)); };
    auto ledger =
        store::open_ledger_with(loop, life->state_, options,
                                {test::make_sim_attendants(loop, pace),
                                 [random](std::size_t count) { return random->octets(count); }});
    if (!ledger) {
        return failure(ledger.error());
    }
    life->ledger_ = *std::move(ledger);
    auto held = store::make_held_store(*life->worker_, life->state_);
    if (!held) {
        return failure(held.error());
    }
    life->held_ = *std::move(held);
    life->services_ = std::make_unique<engine::Services>(
        engine::Services{loop, *life->ledger_, *life->held_, *life->memory_, life->log_, "here"});
    life->make_destinations();
    return life;
}

Life::Life(test::SimLoop& loop, Network& network, const Configuration& configuration,
           store::StateDir state, std::uint64_t seed)
    : loop_(loop),
      network_(network),
      configuration_(configuration),
      random_(seed),
      state_(std::move(state)),
      worker_(std::make_unique<test::SimWorker>(loop)),
      memory_(std::make_unique<engine::MemoryBudget>(loop, configuration.memory)) {}

Life::~Life() {
    polls_.clear();
    loop_.run_until_idle();  // what they left to be deleted refers to what follows
}

void Life::make_destinations() {
    for (const DestinationPlan& plan : configuration_.destinations) {
        sink::SmtpSettings settings;
        settings.hosts = {{.endpoint = {plan.host, 25, ""}}};
        settings.flavour = plan.flavour;
        settings.hello_name = "here";
        settings.connections = plan.connections;
        sinks_.push_back(sink::make_smtp_sink(loop_, *worker_, network_, std::move(settings)));
        destinations_.push_back(
            std::make_unique<engine::Destination>(plan.host, *sinks_.back(), random_.next()));
    }
}

void Life::poll(std::size_t account, Ended ended) {
    const AccountPlan& plan = configuration_.accounts.at(account);
    source::Pop3Settings settings;
    settings.endpoint = {plan.pop3_host, 110, ""};
    settings.tls = source::TlsMode::none;
    settings.allow_cleartext = true;
    settings.auth = pop3::AuthMethod::user;
    settings.user = plan.policy.account;
    settings.password = Secret("secret");
    settings.consumes = plan.consumes;
    settings.spool.directory = state_.spool_path();
    Poll& poll = polls_[account];
    poll.source = source::make_pop3_source(loop_, *worker_, network_, std::move(settings));
    poll.poll = std::make_unique<engine::AccountPoll>(
        *services_, *poll.source, *destinations_.at(plan.destination), plan.policy);
    poll.poll->start([](const engine::PollReport&) {},
                     [this, account, ended = std::move(ended)](const engine::PollReport& report) {
                         const auto over = polls_.find(account);
                         loop_.defer_delete(std::move(over->second.poll));
                         loop_.defer_delete(std::move(over->second.source));
                         polls_.erase(over);
                         ended(account, report);
                     });
}

}  // namespace postrider::sim
