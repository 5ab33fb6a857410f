#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <unistd.h>

#include "postrider/engine/account_poll.h"

#include "app/assembly/assembly.h"
#include "app/assembly/mailbox.h"
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
                waiting_.push_back({&account, server_of(account), mailbox_of(account)});
            }
        }
    }

    ExitCode run() {
        loop_.defer([this] { start_more(); });
        loop_.run();
        return exit_code_;
    }

  private:
    struct Candidate {
        const config::AccountConfig* account;
        std::string server;
        std::string mailbox;
    };
    struct Poll {
        Candidate of;
        std::optional<Outlets> outlets;
        std::unique_ptr<source::SourceFactory> source;
        std::unique_ptr<engine::AccountPoll> poll;
    };

    void start_more() {
        for (auto next = waiting_.begin(); next != waiting_.end();) {
            if (running_.size() >= config_.limits.polls) {
                break;
            }
            if (per_server_[next->server] >= config_.limits.polls_per_host ||
                busy_.count(next->mailbox) > 0) {
                ++next;
                continue;
            }
            Candidate candidate = std::move(*next);
            next = waiting_.erase(next);
            start(std::move(candidate));
        }
        if (running_.empty()) {
            loop_.stop();
        }
    }

    void start(Candidate candidate) {
        const config::AccountConfig& account = *candidate.account;
        engine::AccountPolicy policy = account_policy(account);
        policy.accept_new_uids = line_.accept_new_uids;
        Poll& running = running_[account.name];
        ++per_server_[candidate.server];
        busy_.insert(candidate.mailbox);
        running.of = std::move(candidate);
        running.source = assembly_.make_source(account);
        running.outlets.emplace(account,
                                [this](const std::string& name) { return assembly_.outlet(name); });
        running.poll = std::make_unique<engine::AccountPoll>(
            assembly_.services(), *running.source, running.outlets->route(), std::move(policy));
        running.poll->start([this](const engine::PollReport& report) { progress_.update(report); },
                            [this](const engine::PollReport& report) { end(report); });
    }

    void end(const engine::PollReport& report) {
        progress_.finished(report);
        exit_code_ = worse(exit_code_, exit_code_of(report));
        const auto running = running_.find(report.account);
        --per_server_[running->second.of.server];
        busy_.erase(running->second.of.mailbox);
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
    std::deque<Candidate> waiting_;
    std::map<std::string, Poll> running_;
    std::map<std::string, std::uint32_t> per_server_;
    std::set<std::string> busy_;  ///< mailboxes that are being polled (P-032)
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
