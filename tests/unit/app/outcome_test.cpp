#include "app/daemon/outcome.h"

#include <gtest/gtest.h>

#include "support/fake_sink.h"
#include "support/sim_loop.h"

namespace postrider::app {
namespace {

using namespace std::chrono_literals;
using engine::Ending;

class OutcomeTest : public ::testing::Test {
  protected:
    Ending ending(Errc code, Retry retry) {
        report.error = Error{code, retry, "because"};
        return outcome_of(report, destination, loop.now()).ending;
    }

    test::SimLoop loop;
    test::FakeSink sink{loop};
    engine::Destination destination{"local", sink, 1};
    engine::PollReport report;
};

TEST_F(OutcomeTest, OfAGoodPoll) {
    report.delivered = 3;
    report.held = 1;
    report.min_interval = 5min;
    report.more_after = 4min;
    const engine::Outcome outcome = outcome_of(report, destination, loop.now());
    EXPECT_EQ(outcome.ending, Ending::good);
    EXPECT_EQ(outcome.arrived, 4U);
    EXPECT_EQ(outcome.login_delay, 5min);
    EXPECT_EQ(outcome.again_after, 4min);
}

// P-027, P-028
TEST_F(OutcomeTest, FollowsTheKindOfTrouble) {
    EXPECT_EQ(ending(Errc::login_refused, Retry::never), Ending::login_refused);
    EXPECT_EQ(ending(Errc::busy, Retry::later), Ending::temporary);
    EXPECT_EQ(ending(Errc::network, Retry::now), Ending::temporary);
    EXPECT_EQ(ending(Errc::io, Retry::later), Ending::temporary);
    EXPECT_EQ(ending(Errc::doubt, Retry::never), Ending::unfit);
    EXPECT_EQ(ending(Errc::unsupported, Retry::never), Ending::unfit);
    EXPECT_EQ(ending(Errc::tls, Retry::later), Ending::temporary);
    EXPECT_EQ(ending(Errc::refused, Retry::never), Ending::unfit);
}

TEST_F(OutcomeTest, APausedDestinationSaysWhenToLookAgain) {
    destination.on_fault({Errc::network, Retry::later, "refused"}, loop.now());
    report.error = destination.closed(loop.now());
    const engine::Outcome outcome = outcome_of(report, destination, loop.now());
    EXPECT_EQ(outcome.ending, Ending::destination);
    ASSERT_TRUE(outcome.again_after);
    EXPECT_GE(*outcome.again_after, 30s);
    EXPECT_LE(*outcome.again_after, 36s);
}

TEST_F(OutcomeTest, AStoppedDestinationNeedsAPerson) {
    destination.on_fault({Errc::refused, Retry::never, "554 go away"}, loop.now());
    report.error = destination.closed(loop.now());
    EXPECT_EQ(outcome_of(report, destination, loop.now()).ending, Ending::unfit);
    destination.reopen();
    EXPECT_FALSE(destination.closed(loop.now()));
}

TEST(Fatal, IsWhatSpoilsTheStateOfThisProcess) {
    EXPECT_TRUE(is_fatal({Errc::io, Retry::never, "fsync"}));
    EXPECT_TRUE(is_fatal({Errc::corrupt, Retry::never, "damaged"}));
    EXPECT_FALSE(is_fatal({Errc::io, Retry::later, "disk full"}));
    EXPECT_FALSE(is_fatal({Errc::doubt, Retry::never, "uids"}));
}

// P-032: two accounts of one mailbox are seen, however its host is written.
TEST(PacingOf, AccountsOfOneMailboxShareIt) {
    config::AccountConfig a;
    a.host = "POP.example.net";
    a.user = "alice";
    config::AccountConfig b;
    b.host = "pop.example.net";
    b.user = "alice";
    EXPECT_EQ(pacing_of(a).mailbox, pacing_of(b).mailbox);
    b.user = "Alice";
    EXPECT_NE(pacing_of(a).mailbox, pacing_of(b).mailbox);
    EXPECT_EQ(pacing_of(a).host, pacing_of(b).host);
}

TEST(PacingOf, TheTwoPortsOfPop3AreOneMailboxAndAnyOtherIsAServerOfItsOwn) {
    config::AccountConfig a;
    a.host = "pop.example.net";
    a.user = "alice";
    a.port = 110;
    config::AccountConfig b = a;
    b.port = 995;
    EXPECT_EQ(pacing_of(a).mailbox, pacing_of(b).mailbox);
    b.port = 1101;
    EXPECT_NE(pacing_of(a).mailbox, pacing_of(b).mailbox);
    EXPECT_EQ(pacing_of(a).host, pacing_of(b).host) << "one machine all the same";
}

TEST(PacingOf, BehindTunnelsAnAddressOfThisMachineIsNoServer) {
    config::AccountConfig a;
    a.user = "alice";
    a.port = 1101;
    config::AccountConfig b = a;
    b.port = 1102;
    for (const char* const host : {"127.0.0.1", "::1", "LOCALHOST"}) {
        a.host = host;
        b.host = host;
        EXPECT_NE(pacing_of(a).mailbox, pacing_of(b).mailbox);
        EXPECT_NE(pacing_of(a).host, pacing_of(b).host) << "each counts for itself";
    }
    b.port = a.port;
    EXPECT_EQ(pacing_of(a).mailbox, pacing_of(b).mailbox);
    a.transport_command = {"ssh", "one", "nc", "localhost", "110"};
    b.transport_command = {"ssh", "two", "nc", "localhost", "110"};
    EXPECT_NE(pacing_of(a).mailbox, pacing_of(b).mailbox);
    EXPECT_NE(pacing_of(a).host, pacing_of(b).host);
}

TEST(PacingOf, TakesOverWhatTheAccountSays) {
    config::AccountConfig account;
    account.poll_every = 30s;
    account.poll_every_most = 10min;
    account.poll_at_least = 1min;
    account.active = config::ActiveHours{7h, 23h};
    account.timeouts.session = 2h;
    const engine::Pacing pacing = pacing_of(account);
    EXPECT_EQ(pacing.interval, 30s);
    EXPECT_EQ(pacing.most, 10min);
    EXPECT_EQ(pacing.at_least, 1min);
    EXPECT_EQ(pacing.active, (engine::ActiveHours{7h, 23h}));
    EXPECT_GT(pacing.patience, 2h);
}

}  // namespace
}  // namespace postrider::app
