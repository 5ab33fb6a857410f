#include "sim/run.h"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "sim/disk_vfs.h"
#include "sim/life.h"
#include "sim/mailbox.h"
#include "sim/mta.h"
#include "sim/network.h"
#include "sim/system_calls.h"

namespace postrider::sim {

namespace {

using namespace std::chrono_literals;

constexpr Duration kPollLimit = 48h;  ///< all its deadlines together are less
constexpr int kHealingRounds = 40;

class Run {
  public:
    Run(std::uint64_t seed, const std::set<FaultId>& left_out, Trace::Mode tracing);
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run();

    RunResult result();
    void live();

  private:
    void make_destinations();
    void make_accounts();
    [[nodiscard]] engine::AccountPolicy some_policy(std::size_t account);

    void round();
    void heal();
    void bring_mail(std::uint64_t most);
    [[nodiscard]] bool start();
    void end_life();
    void poll(std::size_t account);
    void on_polled(std::size_t account, const engine::PollReport& report);
    /// Until `done` holds, the process is dead, or time is up; false in the last case.
    bool run_until(const std::function<bool()>& done, Duration limit);
    void pass(Duration time);
    void lose_ledger();
    [[nodiscard]] bool is_over() const { return oracle_.violation().has_value(); }
    [[nodiscard]] std::uint64_t disk_faults() const;

    const std::uint64_t seed_;
    Random random_;
    test::SimLoop loop_;
    Chaos chaos_;
    Trace trace_;
    Machine machine_;
    Disk disk_;
    SystemCalls calls_;
    DiskVfs vfs_;
    Oracle oracle_;
    Configuration configuration_;
    std::vector<std::unique_ptr<Mailbox>> mailboxes_;
    std::vector<std::unique_ptr<Mta>> mtas_;
    Network network_;  ///< with conversations that refer to what stands above
    std::unique_ptr<Life> life_;
    std::uint64_t next_mail_ = 1;
    std::uint64_t lives_ = 0;
    bool is_ledger_lost_ = false;
    bool is_loss_accepted_ = false;  ///< by the person who starts it
    RunResult result_;
};

Run::Run(std::uint64_t seed, const std::set<FaultId>& left_out, Trace::Mode tracing)
    : seed_(seed),
      random_(scrambled({seed, 0x4a5})),
      chaos_(seed, left_out),
      trace_(loop_, tracing),
      machine_(chaos_),
      disk_(loop_, machine_, chaos_, trace_, seed),
      calls_(disk_),
      vfs_("postrider-sim", DiskVfs::Use::by_default, disk_, loop_, seed),
      oracle_(loop_, disk_, trace_),
      network_(loop_, machine_, chaos_, trace_, seed) {
    configuration_.memory = random_.one_in(4) ? 8192 : 64UL * 1024 * 1024;
    make_destinations();
    make_accounts();
}

Run::~Run() {
    machine_.stop();
    life_.reset();
}

void Run::make_destinations() {
    const std::uint64_t count = random_.between(1, 2);
    for (std::uint64_t i = 0; i < count; ++i) {
        DestinationPlan plan;
        plan.host = fmt::format("mx{}", i);
        plan.flavour = random_.coin() ? smtp::Flavour::smtp : smtp::Flavour::lmtp;
        plan.connections = random_.between(1, 3);
        mtas_.push_back(std::make_unique<Mta>(Mta::World{loop_, chaos_, trace_, oracle_}, plan.host,
                                              plan.flavour, random_.next()));
        network_.listen(plan.host,
                        [mta = mtas_.back().get()](Wire& wire) { return mta->serve(wire); });
        configuration_.destinations.push_back(std::move(plan));
    }
}

void Run::make_accounts() {
    const std::uint64_t count = random_.between(1, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
        AccountPlan plan;
        plan.policy = some_policy(i);
        plan.pop3_host = fmt::format("pop{}", i);
        plan.destination = random_.below(configuration_.destinations.size());
        mailboxes_.push_back(std::make_unique<Mailbox>(
            Mailbox::World{loop_, chaos_, trace_, oracle_}, i, plan.pop3_host, random_.next()));
        network_.listen(plan.pop3_host, [mailbox = mailboxes_.back().get()](Wire& wire) {
            return mailbox->serve(wire);
        });
        AccountFacts facts;
        facts.name = plan.policy.account;
        for (const mail::Address& recipient : plan.policy.recipients) {
            facts.recipients.push_back(recipient.text());
        }
        facts.delete_after = plan.policy.delete_after;
        oracle_.add_account(std::move(facts));
        trace_("{}: {}", plan.pop3_host, mailboxes_.back()->kind());
        configuration_.accounts.push_back(std::move(plan));
    }
}

engine::AccountPolicy Run::some_policy(std::size_t account) {
    engine::AccountPolicy policy;
    policy.account = fmt::format("account{}", account);
    const std::uint64_t recipients = random_.one_in(3) ? random_.between(2, 3) : 1;
    for (std::uint64_t i = 0; i < recipients; ++i) {
        policy.recipients.push_back(
            *mail::Address::parse(fmt::format("user{}-{}@example.org", account, i)));
    }
    switch (random_.below(4)) {
        case 0:
            break;
        case 1:
            policy.delete_after = 1h * static_cast<int>(random_.between(1, 40));
            break;
        default:
            policy.delete_after = Duration::zero();
            break;
    }
    if (random_.one_in(4)) {
        policy.commit_every.messages = random_.between(1, 4);
    }
    if (random_.one_in(6)) {
        policy.max_messages_per_poll = random_.between(1, 5);
    }
    policy.order = random_.one_in(6) ? engine::Order::newest : engine::Order::oldest;
    return policy;
}

void Run::live() {
    bring_mail(10);
    const std::uint64_t rounds = random_.between(2, 6);
    for (std::uint64_t i = 0; i < rounds && !is_over(); ++i) {
        round();
    }
    if (!is_over()) {
        heal();
    }
}

void Run::bring_mail(std::uint64_t most) {
    for (const auto& mailbox : mailboxes_) {
        const std::uint64_t count = random_.skewed(most);
        for (std::uint64_t i = 0; i < count; ++i) {
            mailbox->add(make_mail(next_mail_++, random_));
        }
    }
}

void Run::round() {
    bring_mail(4);
    if (life_ == nullptr && !start()) {
        pass(1min);
        return;
    }
    for (std::size_t account = 0; account < configuration_.accounts.size(); ++account) {
        if (!random_.one_in(4)) {
            poll(account);
        }
    }
    if (!run_until([this] { return !life_->is_polling(); }, kPollLimit)) {
        oracle_.violated("liveness", "a poll does not end");
    }
    if (life_ != nullptr && random_.one_in(6)) {
        end_life();
    }
    constexpr std::array<Duration, 5> kPauses = {1s, 5min, 1h, 13h, 26h};
    pass(kPauses.at(random_.below(kPauses.size())));
}

/// The process starts, as its supervisor wants it; false if it could not.
bool Run::start() {
    machine_.start();
    if (!is_ledger_lost_ && lives_ > 0 && chaos_.strikes(Fault::ledger_lost)) {
        lose_ledger();
    }
    const store::LedgerOptions options{.accept_state_loss = is_ledger_lost_ && random_.coin()};
    // Told once is enough, even if that start failed behind it.
    is_loss_accepted_ = is_loss_accepted_ || options.accept_state_loss;
    ++lives_;
    auto life =
        Life::begin(loop_, network_, configuration_, options, scrambled({seed_, 0x11fe, lives_}));
    if (!machine_.runs()) {
        life = failure(Errc::io, Retry::later, "dead");
        end_life();
        return false;
    }
    if (life) {
        if (is_ledger_lost_ && !is_loss_accepted_) {
            oracle_.violated("I9", "a ledger is gone, and nobody is told");
        }
        is_ledger_lost_ = false;
        is_loss_accepted_ = false;
        trace_("process {} runs", lives_);
        life_ = *std::move(life);
        return true;
    }
    trace_("process {} cannot start: {}", lives_, life.error().text);
    if (life.error().code == Errc::doubt && !is_ledger_lost_) {
        oracle_.violated("I9", "doubt without a reason: " + life.error().text);
    } else if (life.error().code != Errc::doubt && disk_faults() == 0) {
        oracle_.violated("liveness", "it does not start: " + life.error().text);
    }
    end_life();
    return false;
}

/// In good order, if it is not dead already.
void Run::end_life() {
    const Machine::State how = machine_.state();
    network_.client_died(how);
    life_.reset();
    if (machine_.runs()) {
        machine_.stop();
    }
    const Machine::State end = machine_.state();
    trace_("process {} has ended{}", lives_,
           how == Machine::State::running  ? ""
           : how == Machine::State::killed ? ", killed"
                                           : " with the power");
    if (end == Machine::State::powerless) {
        disk_.lose_power();
    } else {
        disk_.forget_process();
    }
    oracle_.on_process_ended(end);
}

void Run::lose_ledger() {
    if (disk_.content("/sim/state/installation").empty()) {
        return;  // nothing was there that could be missed
    }
    trace_("somebody takes the ledger away");
    for (const char* const name : {"ledger.db", "ledger.db-wal"}) {
        disk_.remove(std::string("/sim/state/") + name);
    }
    is_ledger_lost_ = true;
    oracle_.on_ledger_lost();
}

void Run::poll(std::size_t account) {
    ++result_.sessions;
    trace_("poll of {}", configuration_.accounts[account].policy.account);
    life_->poll(account, [this](std::size_t polled, const engine::PollReport& report) {
        on_polled(polled, report);
    });
}

void Run::on_polled(std::size_t account, const engine::PollReport& report) {
    trace_("poll of {}: listed {} delivered {} held {} put off {} removed {}: {}", report.account,
           report.listed, report.delivered, report.held, report.put_off, report.removed,
           report.error ? report.error->text : "ok");
    if (!report.error || report.error->code != Errc::io || !machine_.runs()) {
        return;
    }
    if (disk_faults() == 0) {
        oracle_.violated("I8", "a fault of the disk that there was not: " + report.error->text);
    }
    oracle_.on_disk_trouble(account);
}

std::uint64_t Run::disk_faults() const {
    return chaos_.count(Fault::write_error) + chaos_.count(Fault::sync_error) +
           chaos_.count(Fault::disk_full);
}

bool Run::run_until(const std::function<bool()>& done, Duration limit) {
    const auto is_dead = [this] { return life_ != nullptr && !machine_.event(); };
    const bool ended = loop_.run_until(
        [&] { return is_dead() || is_over() || life_ == nullptr || done(); }, limit);
    if (life_ != nullptr && !machine_.runs()) {
        end_life();
        return true;
    }
    return ended;
}

void Run::pass(Duration time) {
    static_cast<void>(run_until([] { return false; }, time));
    if (life_ == nullptr) {
        loop_.advance(time);
    }
}

void Run::heal() {
    trace_("from here on nothing fails");
    chaos_.heal();
    if (life_ != nullptr) {
        end_life();
    }
    std::optional<std::string> unfinished;
    for (int i = 0; i < kHealingRounds && !is_over(); ++i) {
        if (life_ == nullptr && !start()) {
            continue;
        }
        for (std::size_t account = 0; account < configuration_.accounts.size(); ++account) {
            poll(account);
        }
        if (!run_until([this] { return !life_->is_polling(); }, kPollLimit)) {
            oracle_.violated("liveness", "a poll does not end");
        }
        unfinished = oracle_.unfinished();
        if (!unfinished && i > 0) {
            return;
        }
        pass(i < 3 ? Duration(20min) : 26h);  // to the end of what is believed for 30 days
    }
    if (unfinished) {
        oracle_.violated("liveness", *unfinished);
    }
}

RunResult Run::result() {
    result_.violation = oracle_.violation();
    result_.messages = oracle_.messages();
    result_.kills = chaos_.count(Fault::kill);
    result_.power_cuts = chaos_.count(Fault::power_cut);
    result_.disconnects = network_.disconnects();
    result_.ambiguous = oracle_.ambiguous();
    for (std::size_t i = 0; i < kExcuses; ++i) {
        result_.duplicates.at(i) = oracle_.duplicates(static_cast<Excuse>(i));
    }
    result_.faults = chaos_.struck();
    result_.trace = trace_.text();
    return std::move(result_);
}

}  // namespace

RunResult run(std::uint64_t seed, const std::set<FaultId>& left_out, Trace::Mode tracing) {
    Run run(seed, left_out, tracing);
    run.live();
    return run.result();
}

}  // namespace postrider::sim
