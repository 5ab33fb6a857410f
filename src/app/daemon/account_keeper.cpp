#include "app/daemon/account_keeper.h"

#include <algorithm>
#include <utility>

#include "postrider/base/assert.h"
#include "postrider/config/secrets.h"

#include "app/assembly/settings.h"
#include "app/daemon/outcome.h"

namespace postrider::app {

namespace {

/// The account with its secrets; blocks.
Expected<config::AccountConfig> completed(config::AccountConfig account,
                                          const config::Environment& environment) {
    config::Config alone;
    alone.accounts.push_back(std::move(account));
    const std::vector<config::Problem> problems = config::resolve_secrets(alone, environment);
    if (!problems.empty()) {
        return failure(Errc::config, Retry::later, problems.front().to_text());
    }
    return std::move(alone.accounts.front());
}

bool is_plain(const config::AccountConfig& account) {
    constexpr auto kPlain = config::PasswordSource::Kind::plain;
    return account.password_source.kind == kPlain &&
           (!account.proxy || account.proxy->password_source.kind == kPlain);
}

std::size_t backlog_of(const engine::PollReport& report) {
    const std::size_t done = report.delivered + report.held;
    return report.left + report.to_fetch - std::min(report.to_fetch, done);
}

}  // namespace

/// In this order: what stands below refers to what stands above it.
struct AccountKeeper::Poll {
    Progress progress;
    Done done;
    engine::PollReport report;
    std::optional<Outlets> outlets;
    std::unique_ptr<source::SourceFactory> source;
    std::unique_ptr<engine::AccountPoll> poll;
    std::unique_ptr<event::Operation> fetching;  ///< the password
    bool is_winding_down = false;
};

void Tally::add(const Tally& other) {
    polls += other.polls;
    failed += other.failed;
    delivered += other.delivered;
    held += other.held;
    put_off += other.put_off;
    removed += other.removed;
    octets += other.octets;
    backlog += other.backlog;
    took.add(other.took);
    for (const auto& [code, count] : other.errors) {
        errors[code] += count;
    }
}

AccountKeeper::AccountKeeper(Surroundings& surroundings, config::AccountConfig account)
    : surroundings_(surroundings), account_(std::move(account)) {}

AccountKeeper::~AccountKeeper() = default;

void AccountKeeper::change(config::AccountConfig account) {
    POSTRIDER_ASSERT(!is_polling());
    account_ = std::move(account);
    fetched_.reset();
}

void AccountKeeper::forget_password() {
    fetched_.reset();
}

const engine::PollReport& AccountKeeper::report() const {
    POSTRIDER_ASSERT(is_polling());
    return poll_->report;
}

void AccountKeeper::start(Progress progress, Done done) {
    POSTRIDER_ASSERT(!is_polling());
    poll_ = std::make_unique<Poll>();
    poll_->progress = std::move(progress);
    poll_->done = std::move(done);
    poll_->report.account = account_.name;
    if (fetched_ && fetched_->until && surroundings_.services.loop.now() >= *fetched_->until) {
        fetched_.reset();
    }
    if (account_.token_source || !(is_plain(account_) || fetched_)) {
        fetch_secrets();
        return;
    }
    config::AccountConfig complete = account_;
    if (fetched_) {
        complete.password = fetched_->password;
        if (complete.proxy) {
            complete.proxy->password = fetched_->of_proxy;
        }
    }
    begin(complete);
}

void AccountKeeper::fetch_secrets() {
    // Owners: the job, until it is done, and its completion.
    const auto result = std::make_shared<Expected<config::AccountConfig>>();
    poll_->fetching = surroundings_.worker.run(
        [result, account = account_, environment = own_environment()] {
            *result = completed(account, environment);
        },
        [this, result] {
            if (!*result) {
                poll_->report.error = result->error();
                end(poll_->report);
                return;
            }
            keep(**result);
            begin(**result);
        });
}

void AccountKeeper::keep(const config::AccountConfig& complete) {
    if (is_plain(account_)) {
        return;
    }
    fetched_.emplace();
    fetched_->password = complete.password;
    std::optional<Duration> lifetime = account_.password_source.lifetime;
    if (complete.proxy) {
        fetched_->of_proxy = complete.proxy->password;
        const auto& of_proxy = account_.proxy->password_source.lifetime;
        lifetime = lifetime && of_proxy ? std::min(lifetime, of_proxy)
                   : lifetime           ? lifetime
                                        : of_proxy;
    }
    if (lifetime) {
        fetched_->until = surroundings_.services.loop.now() + *lifetime;
    }
}

config::Environment AccountKeeper::own_environment() const {
    config::Environment environment = surroundings_.environment;
    config::Config alone;
    alone.accounts.push_back(account_);
    const std::set<std::string> own = config::secret_variables(alone);
    for (const std::string& name : surroundings_.secret_variables) {
        if (own.count(name) == 0) {
            environment.variables.erase(name);
        }
    }
    return environment;
}

void AccountKeeper::begin(const config::AccountConfig& complete) {
    poll_->outlets.emplace(account_, surroundings_.outlet);
    poll_->source = surroundings_.make_source(complete);
    poll_->poll = std::make_unique<engine::AccountPoll>(
        surroundings_.services, *poll_->source, poll_->outlets->route(), account_policy(account_));
    poll_->poll->start(
        [this](const engine::PollReport& report) {
            poll_->report = report;
            poll_->progress();
        },
        [this](const engine::PollReport& report) { end(report); });
}

bool AccountKeeper::wind_down() {
    if (poll_ == nullptr) {
        return false;
    }
    if (poll_->poll != nullptr && poll_->poll->wind_down()) {
        poll_->is_winding_down = true;
        return true;
    }
    poll_.reset();
    return false;
}

engine::Outcome AccountKeeper::drop(const Error& why) {
    POSTRIDER_ASSERT(is_polling());
    engine::PollReport report = std::move(poll_->report);
    poll_.reset();
    report.error = why;
    judge(report, engine::Ending::temporary);
    tell(report, false);
    engine::Outcome outcome;
    outcome.ending = engine::Ending::temporary;
    outcome.arrived = report.delivered + report.held;
    return outcome;
}

void AccountKeeper::end(const engine::PollReport& report) {
    engine::Outcome outcome;
    if (poll_->outlets) {
        outcome = outcome_of(report, poll_->outlets->route(), surroundings_.services.loop.now());
    } else {
        outcome.ending = engine::Ending::login_refused;  // no password to be had
    }
    if (outcome.ending == engine::Ending::login_refused ||
        outcome.ending == engine::Ending::unfit) {  // a proxy may have refused its password
        fetched_.reset();
    }
    if (is_early(report)) {
        surroundings_.services.log.info("early",
                                        {{"account", account_.name}, {"why", report.error->text}});
    } else if (poll_->is_winding_down && report.error && !is_fatal(*report.error)) {
        count(report);  // what it could not do says nothing of the account
    } else {
        judge(report, outcome.ending);
        tell(report, outcome.ending == engine::Ending::unfit ||
                         outcome.ending == engine::Ending::login_refused);
    }
    const Done done = std::move(poll_->done);
    surroundings_.services.loop.defer_delete(std::move(poll_));
    done(outcome);
}

void AccountKeeper::count(const engine::PollReport& report) {
    ++tally_.polls;
    tally_.delivered += report.delivered;
    tally_.held += report.held;
    tally_.put_off += report.put_off;
    tally_.removed += report.removed;
    tally_.octets += report.fetched_octets;
    tally_.last_took = report.took;
    tally_.took.add(report.took);
    const bool has_listed = report.listed > 0 || !report.error;
    if (has_listed) {
        tally_.backlog = backlog_of(report);
        tally_.quirks = report.quirks;
    }
}

void AccountKeeper::judge(const engine::PollReport& report, engine::Ending ending) {
    count(report);
    tally_.ending = ending;
    if (!report.error) {
        tally_.last_success = surroundings_.services.loop.wall_now();
    } else {
        ++tally_.failed;
        ++tally_.errors[report.error->code];
    }
}

/// A trouble is told when it begins and when it is another one, not at every poll.
void AccountKeeper::tell(const engine::PollReport& report, bool needs_person) {
    Log& log = surroundings_.services.log;
    if (!report.error) {
        if (tally_.trouble) {
            log.info("recovered", {{"account", account_.name}, {"was", tally_.trouble->text}});
        }
        tally_.trouble.reset();
        tally_.troubled_since.reset();
        return;
    }
    const bool is_known = tally_.trouble && tally_.trouble->text == report.error->text;
    const LogLevel level = is_known       ? LogLevel::debug
                           : needs_person ? LogLevel::error
                                          : LogLevel::warn;
    log.write(level, "trouble", {{"account", account_.name}, {"error", report.error->text}});
    tally_.trouble = report.error;
    if (!tally_.troubled_since) {
        tally_.troubled_since = surroundings_.services.loop.wall_now();
    }
}

}  // namespace postrider::app
