#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/engine/account_poll.h"
#include "postrider/engine/pacing.h"
#include "postrider/engine/services.h"
#include "postrider/event/worker.h"
#include "postrider/source/source.h"

#include "app/assembly/outlet.h"
#include "app/metrics/histogram.h"

namespace postrider::app {

/// What an account came to since the start of the daemon.
struct Tally {
    std::uint64_t polls = 0;
    std::uint64_t failed = 0;
    std::uint64_t delivered = 0;
    std::uint64_t held = 0;
    std::uint64_t put_off = 0;
    std::uint64_t removed = 0;
    std::uint64_t octets = 0;
    std::size_t backlog = 0;  ///< known to be on the server and not yet fetched
    std::optional<WallTime> last_success;
    Duration last_took{};
    Histogram took;                                ///< of all polls
    std::map<Errc, std::uint32_t> errors;          ///< why polls failed
    engine::Ending ending = engine::Ending::good;  ///< of the last poll
    std::optional<Error> trouble;                  ///< of the last poll, if it failed
    std::optional<WallTime> troubled_since;
    std::map<std::string, WallTime> quirks;  ///< learned of its server, and until when believed

    /// The counters and the backlog; the rest is of one account alone.
    void add(const Tally& other);
};

/// One account of the daemon: its configuration, its counters, and the poll that is under way, if
/// one is. Between polls it holds nothing else: there are thousands.
///
/// Passwords, the proxy's among them, that do not stand in the configuration are fetched for the
/// first poll, and again when their lifetime is over or a login was refused: they may have been
/// changed. Tokens are fetched for every login.
class AccountKeeper {
  public:
    /// What all accounts share; outlives them.
    struct Surroundings {
        engine::Services& services;
        event::Worker& worker;  ///< for passwords: files and commands
        const config::Environment& environment;
        std::function<std::unique_ptr<source::SourceFactory>(const config::AccountConfig&)>
            make_source;
        std::function<std::shared_ptr<Outlet>(const std::string& destination)> outlet;
        /// Names in the environment that programs run for other accounts must not see.
        std::set<std::string> secret_variables = {};
    };

    using Progress = std::function<void()>;
    using Done = std::function<void(const engine::Outcome&)>;

    AccountKeeper(Surroundings& surroundings, config::AccountConfig account);
    AccountKeeper(const AccountKeeper&) = delete;
    AccountKeeper& operator=(const AccountKeeper&) = delete;
    ~AccountKeeper();

    [[nodiscard]] const config::AccountConfig& account() const { return account_; }
    /// Not while it is polling.
    void change(config::AccountConfig account);
    /// The passwords are fetched anew for the next poll.
    void forget_password();

    /// Both are told from the loop; `done` once, unless the poll is dropped. The keeper may not be
    /// destroyed inside them.
    void start(Progress progress, Done done);
    [[nodiscard]] bool is_polling() const { return poll_ != nullptr; }
    /// Of the poll under way.
    [[nodiscard]] const engine::PollReport& report() const;
    /// False: nothing was worth waiting for, and the poll is dropped.
    [[nodiscard]] bool wind_down();
    /// Ends the poll where it stands, as failed for this reason. Not from inside its callbacks.
    engine::Outcome drop(const Error& why);

    [[nodiscard]] const Tally& tally() const { return tally_; }

  private:
    struct Poll;
    struct Fetched {
        Secret password;
        Secret of_proxy;
        std::optional<MonotonicTime> until;  ///< nothing: until one is refused
    };

    void fetch_secrets();
    void keep(const config::AccountConfig& complete);
    [[nodiscard]] config::Environment own_environment() const;
    void begin(const config::AccountConfig& complete);
    void end(const engine::PollReport& report);
    void count(const engine::PollReport& report);
    void judge(const engine::PollReport& report, engine::Ending ending);
    void tell(const engine::PollReport& report, bool needs_person);

    Surroundings& surroundings_;
    config::AccountConfig account_;
    std::optional<Fetched> fetched_;
    Tally tally_;
    std::unique_ptr<Poll> poll_;
};

}  // namespace postrider::app
