#include "sim/run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"
#include "postrider/mail/places.h"

#include "app/assembly/settings.h"
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
constexpr std::uint64_t kManyWays = 1'000'000;  ///< seeds above know several (run.h)
constexpr const char* kForWhom = "X-Original-To";

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
    void choose_many_ways(config::AccountConfig& account);
    [[nodiscard]] AccountFacts facts_of(const config::AccountConfig& account) const;
    [[nodiscard]] SampleMail next_mail(std::size_t index);
    void choose_retention(config::AccountConfig& account, bool has_uids);

    void round();
    void heal();
    void bring_mail(std::uint64_t most);
    [[nodiscard]] bool start();
    void end_life();
    void end_in_order();
    void reload();
    [[nodiscard]] Life::Calls calls_of_life();
    void on_polled(const std::string& account, const std::optional<Error>& trouble);
    /// Until `done` holds, the process is dead, or time is up; false in the last case.
    bool run_until(const std::function<bool()>& done, Duration limit);
    void pass(Duration time);
    void lose_ledger();
    [[nodiscard]] bool is_over() const { return oracle_.violation().has_value(); }
    [[nodiscard]] std::uint64_t disk_faults() const;

    const std::uint64_t seed_;
    const bool has_many_ways_;
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
    std::map<std::string, std::size_t> accounts_;     ///< by name
    std::vector<std::vector<mail::Address>> people_;  ///< whom mail of each account may be for
    std::vector<std::unique_ptr<Mailbox>> mailboxes_;
    std::vector<std::unique_ptr<Mta>> mtas_;
    Network network_;  ///< with conversations that refer to what stands above
    std::unique_ptr<Life> life_;
    std::uint64_t next_mail_ = 1;
    std::uint64_t lives_ = 0;
    bool is_ledger_lost_ = false;
    bool is_loss_accepted_ = false;  ///< by the person who starts it
    bool is_fatal_ = false;          ///< the process wants to end
    RunResult result_;
};

Run::Run(std::uint64_t seed, const std::set<FaultId>& left_out, Trace::Mode tracing)
    : seed_(seed),
      has_many_ways_(seed > kManyWays),
      random_(scrambled({seed, 0x4a5})),
      chaos_(seed, left_out),
      trace_(loop_, tracing),
      machine_(chaos_),
      disk_(loop_, machine_, chaos_, trace_, seed),
      calls_(disk_, scrambled({seed, 0xe27})),
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
    const std::uint64_t count = has_many_ways_ ? random_.between(2, 3) : random_.between(1, 2);
    for (std::uint64_t i = 0; i < count; ++i) {
        config::DestinationConfig destination;
        destination.name = fmt::format("mx{}", i);
        destination.connections = static_cast<std::uint32_t>(random_.between(1, 3));
        if (random_.one_in(4)) {
            destination.type = config::DestinationType::maildir;
            destination.path =
                *Pattern::parse(random_.coin() ? "/sim/mail/{account}" : "/sim/mail/{recipient}",
                                mail::delivery_places());
            destination.line_ends = random_.coin() ? mail::LineEnds::lf : mail::LineEnds::crlf;
        } else {
            const bool is_smtp = random_.coin();
            destination.type =
                is_smtp ? config::DestinationType::smtp : config::DestinationType::lmtp;
            destination.host = destination.name;
            destination.holds_ambiguous = has_many_ways_ && random_.one_in(3);
            mtas_.push_back(std::make_unique<Mta>(
                Mta::World{loop_, chaos_, trace_, oracle_}, destination.name,
                is_smtp ? smtp::Flavour::smtp : smtp::Flavour::lmtp, random_.next()));
            network_.listen(destination.host,
                            [mta = mtas_.back().get()](Wire& wire) { return mta->serve(wire); });
        }
        configuration_.destinations.push_back(std::move(destination));
    }
}

void Run::make_accounts() {
    constexpr std::array<Duration, 3> kIntervals = {3h, 8h, 25h};
    const std::uint64_t count = random_.between(1, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string host = fmt::format("pop{}", i);
        mailboxes_.push_back(std::make_unique<Mailbox>(
            Mailbox::World{loop_, chaos_, trace_, oracle_}, i, host, random_.next()));
        const Mailbox& mailbox = *mailboxes_.back();
        trace_("{}: {}", host, mailbox.kind());
        network_.listen(
            host, [served = mailboxes_.back().get()](Wire& wire) { return served->serve(wire); });
        config::AccountConfig account;
        account.name = fmt::format("account{}", i);
        account.host = host;
        account.port = 110;
        account.tls = config::Tls::none;
        account.allow_cleartext = true;
        account.auth = config::Auth::user;
        account.user = account.name;
        account.password = Secret("secret");
        account.deliver_to = {
            configuration_.destinations[random_.below(configuration_.destinations.size())].name};
        account.poll_every = kIntervals.at(random_.below(kIntervals.size()));
        const std::uint64_t recipients = random_.one_in(3) ? random_.between(2, 3) : 1;
        for (std::uint64_t k = 0; k < recipients; ++k) {
            account.recipients.push_back(
                *mail::Address::parse(fmt::format("user{}-{}@example.org", i, k)));
        }
        people_.push_back(account.recipients);
        if (has_many_ways_) {
            choose_many_ways(account);
        }
        if (mailbox.has_uids() && !mailbox.has_window() && random_.one_in(6)) {
            account.retention.initial.kind =
                random_.coin() ? config::Initial::Kind::fresh : config::Initial::Kind::last;
            account.retention.initial.count = random_.between(1, 3);
        }
        // Without UIDs, one that turns out too large ends every poll, and nobody can tell which.
        if (mailbox.has_uids() && !mailbox.has_window() && random_.one_in(8)) {
            account.retention.max_message_size = random_.between(200, 3000);
            account.retention.oversize =
                random_.coin() ? config::Oversize::skip : config::Oversize::hold;
        }
        choose_retention(account, mailbox.has_uids());
        oracle_.add_account(facts_of(account));
        accounts_[account.name] = i;
        configuration_.accounts.push_back(std::move(account));
    }
}

/// More destinations than one, and a mailbox for many.
void Run::choose_many_ways(config::AccountConfig& account) {
    for (const config::DestinationConfig& destination : configuration_.destinations) {
        if (destination.name != account.deliver_to.front() && random_.coin()) {
            account.deliver_to.push_back(destination.name);
        }
    }
    if (random_.one_in(4)) {
        account.refused.by_code["5.7.1"] = config::Refused::discard;
    }
    if (random_.one_in(3)) {
        mail::RecipientRule rule;
        rule.header = kForWhom;
        rule.occurrence = random_.coin() ? 1 : -1;
        rule.domains = {"example.org"};
        if (random_.coin()) {
            rule.unmatched = account.recipients.front();
        }
        account.recipient_rule = rule;
        account.recipients.clear();
    }
}

AccountFacts Run::facts_of(const config::AccountConfig& account) const {
    AccountFacts facts;
    facts.name = account.name;
    facts.policy = app::account_policy(account);
    facts.destinations = account.deliver_to;
    facts.discards_spam = !account.refused.by_code.empty();
    for (const config::DestinationConfig& destination : configuration_.destinations) {
        if (destination.holds_ambiguous) {
            facts.cautious.insert(destination.name);
        }
        if (destination.type != config::DestinationType::maildir) {
            continue;
        }
        for (const mail::Address& recipient : people_.back()) {
            facts.maildirs[goal(destination.name, recipient.text())] =
                destination.path.filled([&](std::string_view place) {
                    return place == "account" ? account.name : recipient.text();
                });
        }
    }
    return facts;
}

/// Of a mailbox for many the server has written down whom it is for; what others have written into
/// such a field is not to be heeded.
SampleMail Run::next_mail(std::size_t index) {
    const config::AccountConfig& account = configuration_.accounts[index];
    std::vector<std::string> all;
    for (const mail::Address& recipient : people_[index]) {
        all.push_back(recipient.text());
    }
    if (!account.recipient_rule) {
        SampleMail mail = make_mail(next_mail_++, random_);
        mail.recipients = std::move(all);
        return mail;
    }
    std::vector<std::string> fields;
    std::vector<std::string> meant;
    const std::uint64_t count = random_.below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::vector<std::string> named;
        std::copy_if(all.begin(), all.end(), std::back_inserter(named),
                     [this](const std::string& /*one*/) { return random_.coin(); });
        if (i == 0 || account.recipient_rule->occurrence < 0) {
            meant = named;
        }
        if (named.empty() || random_.one_in(4)) {
            named.emplace_back("stranger@example.com");
        }
        fields.push_back(fmt::format("{}: {}\r\n", kForWhom, fmt::join(named, ", ")));
    }
    if (meant.empty() && account.recipient_rule->unmatched) {
        meant = {account.recipient_rule->unmatched->text()};
    }
    SampleMail mail = make_mail(next_mail_++, random_, fmt::format("{}", fmt::join(fields, "")));
    mail.recipients = std::move(meant);
    return mail;
}

/// What may be another at the next reload.
void Run::choose_retention(config::AccountConfig& account, bool has_uids) {
    account.delete_after.reset();
    switch (random_.below(4)) {
        case 0:
            break;
        case 1:
            account.delete_after = 1h * static_cast<int>(random_.between(1, 40));
            break;
        default:
            account.delete_after = Duration::zero();
            break;
    }
    if (!has_uids) {
        account.delete_after = Duration::zero();
    }
    config::Retention& retention = account.retention;
    retention.keep_on_server_at_least =
        random_.one_in(8) ? Duration(1h * static_cast<int>(random_.between(1, 40)))
                          : Duration::zero();
    retention.commit_every = {};
    if (random_.one_in(4)) {
        retention.commit_every.messages = random_.between(1, 4);
    }
    if (random_.one_in(8)) {
        retention.commit_every.size = random_.between(100, 5000);
    }
    if (random_.one_in(8)) {
        retention.commit_every.time = 1s * static_cast<int>(random_.between(1, 60));
    }
    retention.max_messages_per_poll.reset();
    if (random_.one_in(6)) {
        retention.max_messages_per_poll = random_.between(1, 5);
    }
    retention.order = random_.one_in(6) ? config::Order::newest : config::Order::oldest;
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
    for (std::size_t index = 0; index < mailboxes_.size(); ++index) {
        const auto& mailbox = mailboxes_[index];
        const std::uint64_t count = random_.skewed(most);
        for (std::uint64_t i = 0; i < count; ++i) {
            mailbox->add(next_mail(index));
        }
    }
}

void Run::round() {
    bring_mail(4);
    if (life_ == nullptr && !start()) {
        pass(1min);
        return;
    }
    for (const config::AccountConfig& account : configuration_.accounts) {
        if (!random_.one_in(4)) {
            life_->poll(account.name);
        }
    }
    if (random_.one_in(4)) {
        pass(1ms * static_cast<int>(random_.skewed(2000)));
        reload();
    }
    if (!run_until([this] { return !life_->is_busy(); }, kPollLimit)) {
        oracle_.violated("liveness", "a poll does not end");
    }
    if (random_.one_in(6)) {
        end_in_order();
    }
    constexpr std::array<Duration, 5> kPauses = {1s, 5min, 1h, 13h, 26h};
    pass(kPauses.at(random_.below(kPauses.size())));
}

/// A person changes the configuration: how an account is treated, or whether there is one.
void Run::reload() {
    if (life_ == nullptr) {
        return;
    }
    const std::size_t index = random_.below(configuration_.accounts.size());
    config::AccountConfig& account = configuration_.accounts[index];
    std::vector<config::AccountConfig> accounts = configuration_.accounts;
    if (random_.one_in(4)) {
        trace_("reload: without {}", account.name);
        accounts.erase(accounts.begin() + static_cast<std::ptrdiff_t>(index));
        life_->reload(std::move(accounts));
        return;
    }
    trace_("reload: {} is treated otherwise", account.name);
    choose_retention(account, mailboxes_[index]->has_uids());
    oracle_.on_reload(index, app::account_policy(account), life_->is_polling(account.name));
    life_->reload(configuration_.accounts);
}

Life::Calls Run::calls_of_life() {
    return {[this](const std::string& account, const app::Tally& tally) {
                on_polled(account, tally.trouble);
            },
            [this](const std::string& account) {
                // Whether the disk failed it is not told any more.
                on_polled(account, disk_faults() == 0
                                       ? std::nullopt
                                       : std::optional(Error{Errc::io, Retry::later, ""}));
            },
            [this](const Error& error) {
                trace_("process {} wants to end: {}", lives_, error.text);
                is_fatal_ = true;
            }};
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
    auto life = Life::begin({loop_, network_, trace_}, configuration_, options,
                            scrambled({seed_, 0x11fe, lives_}), calls_of_life());
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

/// As it ends when it is told to: polls under way come to their end first.
void Run::end_in_order() {
    if (life_ == nullptr) {
        return;
    }
    trace_("process {} is told to end", lives_);
    life_->wind_down();
    if (!run_until([this] { return !life_->is_polling(); }, kPollLimit)) {
        oracle_.violated("liveness", "a poll that is to end does not");
    }
    if (life_ != nullptr) {
        end_life();
    }
}

/// It is dead already, or its polls are cut.
void Run::end_life() {
    const Machine::State how = machine_.state();
    network_.client_died(how);
    life_.reset();
    is_fatal_ = false;
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

void Run::on_polled(const std::string& name, const std::optional<Error>& trouble) {
    ++result_.sessions;
    const std::size_t account = accounts_.at(name);
    trace_("poll of {} has ended: {}", name, trouble ? trouble->text : "ok");
    if (!machine_.runs()) {
        return;
    }
    oracle_.on_polled(account);
    if (!trouble || trouble->code != Errc::io) {
        return;
    }
    if (disk_faults() == 0) {
        oracle_.violated("I8", "a fault of the disk that there was not: " + trouble->text);
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
        [&] { return is_dead() || is_fatal_ || is_over() || life_ == nullptr || done(); }, limit);
    if (life_ != nullptr && (!machine_.runs() || is_fatal_)) {
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
        for (const config::AccountConfig& account : configuration_.accounts) {
            life_->poll(account.name);
        }
        if (!run_until([this] { return !life_->is_busy(); }, kPollLimit)) {
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
