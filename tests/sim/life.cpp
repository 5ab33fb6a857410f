#include "sim/life.h"

#include <chrono>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "postrider/base/text.h"
#include "postrider/sink/maildir_sink.h"
#include "postrider/sink/smtp_sink.h"
#include "postrider/source/pop3_source.h"
#include "postrider/store/maildir_held_store.h"

#include "app/assembly/settings.h"
#include "store/ledger_parts.h"
#include "support/sim_attendant.h"

namespace postrider::sim {

using namespace std::chrono_literals;

/// What the program logs is a part of the trace.
class Life::TraceLog final : public Log {
  public:
    explicit TraceLog(Trace& trace) : trace_(trace) {}

    void write(LogLevel /*level*/, std::string_view event,
               std::initializer_list<Field> fields) override {
        if (!trace_.is_on()) {
            return;
        }
        std::string line;
        for (const Field& field : fields) {
            line += fmt::format(" {}={}", field.key, escaped(field.value, 300));
        }
        trace_("log: {}{}", event, line);
    }

  private:
    Trace& trace_;
};

Expected<std::unique_ptr<Life>> Life::begin(World world, const Configuration& configuration,
                                            const store::LedgerOptions& options, std::uint64_t seed,
                                            Calls calls) {
    auto state = store::StateDir::open("/sim/state");
    if (!state) {
        return failure(state.error());
    }
    std::unique_ptr<Life> life(
        new Life(world, *std::move(state), configuration.memory, seed, std::move(calls)));
    Random* const random = &life->random_;
    const auto pace = [random] { return Duration(1us) * static_cast<int>(random->skewed(20'000)); };
    auto ledger =
        store::open_ledger_with(world.loop, life->state_, options,
                                {test::make_sim_attendants(world.loop, pace),
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
    life->services_ = std::make_unique<engine::Services>(engine::Services{
        world.loop, *life->ledger_, *life->held_, *life->memory_, *life->log_, "here"});
    for (const config::DestinationConfig& destination : configuration.destinations) {
        life->make_outlet(destination);
    }
    life->make_roster();
    life->reload(configuration.accounts);
    return life;
}

Life::Life(World world, store::StateDir state, std::uint64_t memory, std::uint64_t seed,
           Calls calls)
    : world_(world),
      random_(seed),
      calls_(std::move(calls)),
      log_(std::make_unique<TraceLog>(world.trace)),
      state_(std::move(state)),
      worker_(std::make_unique<test::SimWorker>(world.loop)),
      memory_(std::make_unique<engine::MemoryBudget>(world.loop, memory)) {}

Life::~Life() {
    if (roster_ != nullptr) {
        roster_->cut();
        roster_.reset();
    }
    world_.loop.run_until_idle();  // what they left to be deleted refers to what follows
}

void Life::make_outlet(const config::DestinationConfig& destination) {
    std::unique_ptr<sink::MailSink> sink;
    if (destination.type == config::DestinationType::maildir) {
        sink = sink::make_maildir_sink(*worker_, app::maildir_settings(destination));
    } else {
        sink = sink::make_smtp_sink(world_.loop, *worker_, world_.network,
                                    app::smtp_settings(destination, "here"));
    }
    outlets_[destination.name] = std::make_shared<app::Outlet>(
        world_.loop, destination.name, std::move(sink), random_.next(),
        destination.holds_ambiguous ? engine::OnAmbiguous::hold : engine::OnAmbiguous::redeliver);
}

void Life::make_roster() {
    const auto make_source = [this](const config::AccountConfig& account) {
        mail::Spool spool;
        spool.directory = state_.spool_path();
        return source::make_pop3_source(world_.loop, *worker_, world_.network,
                                        app::pop3_settings(account, spool));
    };
    const auto outlet = [this](const std::string& name) { return outlets_.at(name); };
    roster_ = std::make_unique<app::Roster>(
        app::AccountKeeper::Surroundings{*services_, *worker_, environment_, make_source, outlet},
        config::Limits{},
        app::Roster::Calls{[this] { on_ended(); },
                           [this](const Error& error) { calls_.on_fatal(error); }});
}

void Life::reload(std::vector<config::AccountConfig> accounts) {
    static_cast<void>(roster_->apply(std::move(accounts), {}, {}));
    std::erase_if(polls_,
                  [this](const auto& one) { return !roster_->members().contains(one.first); });
    for (const auto& [name, member] : roster_->members()) {
        polls_.try_emplace(name, member.keeper->tally().polls);
    }
}

void Life::poll(const std::string& account) {
    if (roster_->has(account)) {
        roster_->poll_now(account);
    }
}

void Life::on_ended() {
    std::erase_if(polls_, [this](const auto& one) {
        const bool has_left = !roster_->members().contains(one.first);
        if (has_left) {
            calls_.on_left(one.first);
        }
        return has_left;
    });
    for (const auto& [name, member] : roster_->members()) {
        const app::Tally& tally = member.keeper->tally();
        if (std::exchange(polls_[name], tally.polls) != tally.polls) {
            calls_.on_polled(name, tally);
        }
    }
}

bool Life::is_busy() const {
    const engine::Scheduler::Figures figures = roster_->figures();
    return figures.running + figures.due > 0;
}

bool Life::is_polling(const std::string& account) const {
    const auto member = roster_->members().find(account);
    return member != roster_->members().end() && member->second.keeper->is_polling();
}

}  // namespace postrider::sim
