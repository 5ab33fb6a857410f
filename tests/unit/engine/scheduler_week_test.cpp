// A week of 10,000 accounts in virtual time. What must hold in every moment of it is checked at
// every start: limits, one poll a mailbox, intervals; and at its end: no herd, nobody left out.
#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/engine/jitter.h"
#include "postrider/engine/scheduler.h"

#include "support/sim_loop.h"

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;
using Id = Scheduler::Id;

constexpr std::size_t kAccounts = 10'000;
constexpr std::size_t kHosts = 400;
constexpr std::uint32_t kPolls = 40;
constexpr std::uint32_t kPollsPerHost = 3;

/// Accounts, servers that answer after a while or not at all, and a record of every start.
class Week : public ::testing::Test {
  protected:
    enum class Nature : std::uint8_t { good, refused, flaky, tarpit };

    struct Account {
        std::string host;
        std::string mailbox;
        Nature nature = Nature::good;
        MonotonicTime last_start{};
        std::size_t polls = 0;
        Duration longest_gap{};
        std::unique_ptr<event::Timer> ending;
    };

    void add_accounts() {
        for (std::size_t i = 0; i < kAccounts; ++i) {
            Pacing pacing;
            pacing.interval = interval;
            pacing.host = "host" + std::to_string(i % kHosts);
            // A few are configured twice.
            pacing.mailbox =
                pacing.host + " user" + std::to_string(i % 1000 == 999 ? i - kHosts : i);
            const Id id = scheduler.add(pacing);
            Account& account = accounts[id];
            account.host = pacing.host;
            account.mailbox = pacing.mailbox;
            account.nature = i % 100 == 0   ? Nature::refused
                             : i % 100 == 1 ? Nature::flaky
                             : i % 100 == 2 ? Nature::tarpit
                                            : Nature::good;
            account.ending = loop.make_timer([this, id] { end(id); });
        }
    }

    void on_start(Id id) {
        Account& account = accounts.at(id);
        ASSERT_LE(++running, kPolls);
        ASSERT_LE(++per_host[account.host], kPollsPerHost);
        ASSERT_EQ(++per_mailbox[account.mailbox], 1) << account.mailbox << " is polled twice";
        const MonotonicTime now = loop.now();
        if (account.polls > 0 && account.nature == Nature::good && has_outage &&
            !is_outage_near()) {
            const Duration gap = now - account.last_start;
            EXPECT_GE(gap, interval * 95 / 100);
            account.longest_gap = std::max(account.longest_gap, gap);
        }
        ++account.polls;
        account.last_start = now;
        ++starts_in[now.time_since_epoch() / 1s];
        const Duration takes =
            account.nature == Nature::tarpit ? Duration(300s) : jitter.scaled(3s, 0.3, 3.0);
        account.ending->arm(takes);
    }

    void on_give_up(Id id) {
        accounts.at(id).ending->disarm();
        finish(id, Ending::temporary);
    }

    void end(Id id) {
        Account& account = accounts.at(id);
        if (account.nature != Nature::tarpit) {
            scheduler.on_progress(id);
        }
        const bool is_down = is_outage() || (account.nature == Nature::flaky && account.polls % 2);
        finish(id, account.nature == Nature::refused  ? Ending::login_refused
                   : account.nature == Nature::tarpit ? Ending::temporary
                   : is_down                          ? Ending::temporary
                                                      : Ending::good);
    }

    void finish(Id id, Ending ending) {
        Account& account = accounts.at(id);
        --running;
        --per_host[account.host];
        --per_mailbox[account.mailbox];
        Outcome outcome;
        outcome.ending = ending;
        scheduler.ended(id, outcome);
    }

    /// On the third day nobody can be reached for two hours.
    [[nodiscard]] bool is_outage() const {
        const Duration since = loop.now() - begin;
        return has_outage && since > 72h && since < 74h;
    }
    /// One interval later everybody keeps the usual time again.
    [[nodiscard]] bool is_outage_near() const {
        const Duration since = loop.now() - begin;
        return since > 72h && since < 74h + interval * 2;
    }

    [[nodiscard]] std::size_t most_starts(Duration from, Duration to) const {
        std::size_t most = 0;
        for (auto at = starts_in.lower_bound((begin + from).time_since_epoch() / 1s);
             at != starts_in.end() && at->first < (begin + to).time_since_epoch() / 1s; ++at) {
            most = std::max(most, at->second);
        }
        return most;
    }

    Duration interval = 12h;
    bool has_outage = true;
    test::SimLoop loop;
    const MonotonicTime begin = loop.now();
    Jitter jitter{5};
    std::unordered_map<Id, Account> accounts;
    std::uint32_t running = 0;
    std::map<std::string, std::uint32_t> per_host;
    std::map<std::string, int> per_mailbox;
    std::map<std::int64_t, std::size_t> starts_in;  ///< by second
    Scheduler scheduler{
        loop,
        {kPolls, kPollsPerHost},
        3,
        {[this](Id id) { on_start(id); }, [this](Id id, Scheduler::Waste) { on_give_up(id); }}};
};

// P-032, A-006, A-007
TEST_F(Week, OfTenThousandAccounts) {
    add_accounts();
    loop.advance(7 * 24h);

    // 10,000 accounts every 12 hours are a start in four seconds.
    EXPECT_LE(most_starts(0h, 1h), 51U) << "a herd at the start";
    EXPECT_LE(most_starts(1h, 72h), 15U) << "a herd in everyday life";
    EXPECT_LE(most_starts(72h, 80h), 40U) << "a herd after the outage";
    EXPECT_LE(most_starts(80h, 168h), 15U) << "a herd that has formed";
    for (const auto& [id, account] : accounts) {
        switch (account.nature) {
            case Nature::good:
                ASSERT_LE(account.longest_gap, interval * 110 / 100);
                ASSERT_GE(account.polls, 13U);
                break;
            case Nature::refused:
                ASSERT_GE(account.polls, 10U);
                ASSERT_LE(account.polls, 16U) << "hammering";
                break;
            case Nature::flaky:
            case Nature::tarpit:
                ASSERT_GE(account.polls, 13U);
                break;
        }
    }
}

// more is due than may run. Whoever waits longest goes first, so all get the same.
TEST_F(Week, AnHourWithTooFewPlacesIsFairToAll) {
    has_outage = false;
    interval = 1min;
    add_accounts();
    loop.advance(1h);
    std::size_t least = SIZE_MAX;
    std::size_t most = 0;
    for (const auto& [id, account] : accounts) {
        if (account.nature == Nature::good) {
            least = std::min(least, account.polls);
            most = std::max(most, account.polls);
        }
    }
    EXPECT_GE(least, 2U);
    EXPECT_LE(most - least, 1U);
}

}  // namespace
}  // namespace postrider::engine
