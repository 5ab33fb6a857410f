#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "postrider/engine/account_poll.h"

#include "app/assembly/assembly.h"
#include "app/assembly/settings.h"
#include "app/commands/commands.h"
#include "app/commands/progress.h"
#include "app/commands/told.h"

namespace postrider::app {

namespace {

/// Runs one poll of each account, as many at a time as the limits allow.
class Once {
  public:
    Once(event::Loop& loop, Assembly& assembly, const config::Config& config,
         const CommandLine& line)
        : loop_(loop),
          assembly_(assembly),
          config_(config),
          line_(line),
          progress_(loop, isatty(STDERR_FILENO) == 1) {
        for (const config::AccountConfig& account : config.accounts) {
            if (line.accounts.empty() || std::find(line.accounts.begin(), line.accounts.end(),
                                                   account.name) != line.accounts.end()) {
                waiting_.push_back(&account);
            }
        }
    }

    ExitCode run() {
        loop_.defer([this] { start_more(); });
        loop_.run();
        return exit_code_;
    }

  private:
    struct Poll {
        std::optional<Outlets> outlets;
        std::unique_ptr<source::SourceFactory> source;
        std::unique_ptr<engine::AccountPoll> poll;
    };

    void start_more() {
        for (auto next = waiting_.begin(); next != waiting_.end();) {
            if (running_.size() >= config_.limits.polls) {
                break;
            }
            const config::AccountConfig& account = **next;
            if (per_host_[account.host] >= config_.limits.polls_per_host) {
                ++next;
                continue;
            }
            next = waiting_.erase(next);
            start(account);
        }
        if (running_.empty()) {
            loop_.stop();
        }
    }

    void start(const config::AccountConfig& account) {
        engine::AccountPolicy policy = account_policy(account);
        policy.accept_new_uids = line_.accept_new_uids;
        Poll& running = running_[account.name];
        ++per_host_[account.host];
        running.source = assembly_.make_source(account);
        running.outlets.emplace(account,
                                [this](const std::string& name) { return assembly_.outlet(name); });
        running.poll = std::make_unique<engine::AccountPoll>(
            assembly_.services(), *running.source, running.outlets->route(), std::move(policy));
        running.poll->start(
            [this](const engine::PollReport& report) { progress_.update(report); },
            [this, &account](const engine::PollReport& report) { end(account, report); });
    }

    void end(const config::AccountConfig& account, const engine::PollReport& report) {
        progress_.finished(report);
        exit_code_ = worse(exit_code_, exit_code_of(report));
        --per_host_[account.host];
        const auto running = running_.find(account.name);
        // In this order: the poll may still hold a session of the source.
        loop_.defer_delete(std::move(running->second.poll));
        loop_.defer_delete(std::move(running->second.source));
        running_.erase(running);
        loop_.defer([this] { start_more(); });
    }

    event::Loop& loop_;
    Assembly& assembly_;
    const config::Config& config_;
    const CommandLine& line_;
    Progress progress_;
    std::deque<const config::AccountConfig*> waiting_;
    std::map<std::string, Poll> running_;
    std::map<std::string, std::uint32_t> per_host_;
    ExitCode exit_code_ = ExitCode::ok;
};

}  // namespace

ExitCode run_once(const config::Config& config, const CommandLine& line) {
    const std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    const Expected<std::unique_ptr<Assembly>> assembly = Assembly::make(
        *loop, config, {.accept_state_loss = line.accept_state_loss}, make_command_log(config.log));
    if (!assembly) {
        tell("postrider: " + assembly.error().text);
        return exit_code_of(assembly.error());
    }
    warn_if_volatile((*assembly)->state());
    return Once(*loop, **assembly, config, line).run();
}

}  // namespace postrider::app
