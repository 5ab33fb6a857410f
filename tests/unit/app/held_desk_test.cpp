#include "app/held/held_desk.h"

#include <algorithm>
#include <optional>

#include "support/temp_dir.h"
#include "unit/app/held_samples.h"
#include "unit/app/roster_fixture.h"

namespace postrider::app {
namespace {

using Outcome = HeldWork::Outcome;

class HeldDeskTest : public RosterTest {
  protected:
    std::string hold(const std::string& account, const std::string& subject) {
        return test_held::hold({loop, worker, ledger, state_dir}, account, subject,
                               {"bob@example.org"});
    }
    [[nodiscard]] std::unique_ptr<event::Operation> retry(std::vector<std::string> ids) {
        return take({false, std::move(ids), {}});
    }
    [[nodiscard]] std::unique_ptr<event::Operation> drop(std::vector<std::string> ids) {
        return take({true, std::move(ids), {}});
    }
    [[nodiscard]] std::unique_ptr<event::Operation> take(HeldDesk::Order order) {
        return desk.take(
            std::move(order),
            [this](const HeldWork::Result& result) { outcomes.push_back(result.outcome); },
            [this](const Expected<void>& done) { dones.push_back(done); });
    }
    std::size_t held() { return copies.list()->copies.size(); }

    test::TempDir directory;
    store::StateDir state_dir{*store::StateDir::open(directory / "state")};
    store::HeldCopies copies{state_dir.path()};
    std::vector<Outcome> outcomes;
    std::vector<Expected<void>> dones;
    std::size_t idle = 0;
    HeldDesk desk{{loop,
                   worker,
                   ledger,
                   roster,
                   [this](const std::string&) -> std::shared_ptr<sink::MailSink> {
                       return std::shared_ptr<sink::MailSink>(outlet, fake_sink);
                   },
                   copies,
                   {state_dir.spool_path()},
                   [this] { ++idle; }}};
};

TEST_F(HeldDeskTest, AnAccountIsNotPolledWhileItsMailIsWorkedOn) {
    const std::string id = hold("a", "m1");
    mailbox("a").add("m1", "Subject: m1\r\n\r\nbody\r\n");
    mailbox("b");
    apply({account("a"), account("b")});
    loop.advance(10s);
    fake_sink->hold_answers();
    const auto order = retry({id});
    loop.advance(20min);
    EXPECT_EQ(tally("a").polls, 1U);
    EXPECT_GE(tally("b").polls, 3U);
    EXPECT_FALSE(desk.is_idle());
    fake_sink->release();
    loop.advance(1s);
    EXPECT_EQ(outcomes, std::vector{Outcome::delivered});
    ASSERT_EQ(dones.size(), 1U);
    EXPECT_TRUE(dones.front());
    EXPECT_TRUE(desk.is_idle());
    EXPECT_EQ(held(), 0U);
    loop.advance(10min);
    EXPECT_GE(tally("a").polls, 2U);
    EXPECT_EQ(ledger.record("a", {"m1", 0})->phase, store::Phase::delivered)
        << "the poll has not put its own view in its place";
    EXPECT_EQ(fake_sink->accepted("m1"), 1U);
}

TEST_F(HeldDeskTest, APollUnderWayIsAwaitedAndItsRecordsAreKept) {
    const std::string id = hold("a", "m1");
    mailbox("a").add("m1", "Subject: m1\r\n\r\nbody\r\n");
    mailbox("a").add("m2", test::plain_mail("m2", 200));
    fake_sink->hold_answers();
    apply({account("a")});
    loop.advance(10s);
    ASSERT_EQ(state("a"), State::running);
    const auto order = drop({id});
    loop.advance(1min);
    EXPECT_TRUE(outcomes.empty());
    fake_sink->release();
    loop.advance(1min);
    EXPECT_EQ(outcomes, std::vector{Outcome::dropped});
    EXPECT_EQ(ledger.record("a", {"m1", 0})->phase, store::Phase::delivered);
    EXPECT_EQ(ledger.record("a", {"m2", 0})->phase, store::Phase::delivered);
    EXPECT_EQ(fake_sink->accepted("m2"), 1U);
}

TEST_F(HeldDeskTest, OrdersAreDoneOneAfterTheOtherAndAccountByAccount) {
    const std::string a = hold("a", "m1");
    const std::string b = hold("b", "m2");
    const std::string gone = hold("former", "m3");
    apply({account("a"), account("b")});
    const auto first = retry({a, b});
    const auto second = drop({gone});
    const auto third = drop({a});
    loop.advance(1min);
    EXPECT_EQ(outcomes, (std::vector{Outcome::delivered, Outcome::delivered, Outcome::dropped}));
    ASSERT_EQ(dones.size(), 3U);
    EXPECT_TRUE(dones[0]);
    EXPECT_TRUE(dones[1]) << "an account need not be in the configuration any more";
    EXPECT_EQ(dones[2].error().code, Errc::config) << "it was delivered meanwhile";
    EXPECT_EQ(idle, 1U);
}

TEST_F(HeldDeskTest, AnUnknownIdLeavesAllAsItIs) {
    const std::string id = hold("a", "m1");
    const auto order = drop({id, "0000"});
    loop.advance(1min);
    EXPECT_TRUE(outcomes.empty());
    EXPECT_EQ(dones.front().error().code, Errc::config);
    EXPECT_EQ(held(), 1U);
}

TEST_F(HeldDeskTest, WhoGoesAwayStopsItAfterTheMessageThatIsUnderWay) {
    const std::string one = hold("a", "m1");
    const std::string two = hold("a", "m2");
    fake_sink->hold_answers();
    auto order = retry({one, two});
    loop.advance(1s);
    ASSERT_EQ(fake_sink->under_way(), 1U);
    order.reset();
    fake_sink->release();
    loop.advance(1min);
    EXPECT_TRUE(outcomes.empty());
    EXPECT_TRUE(dones.empty());
    EXPECT_TRUE(desk.is_idle());
    EXPECT_EQ(held(), 1U);
    EXPECT_EQ(fake_sink->accepted().size(), 1U);
    auto again = retry({copies.list()->copies.front().id});
    loop.advance(1min);
    EXPECT_EQ(outcomes, std::vector{Outcome::delivered});
}

TEST_F(HeldDeskTest, AtTheEndOfTheDaemonTheMessageUnderWayIsTheLastOne) {
    const std::string one = hold("a", "m1");
    const std::string two = hold("b", "m2");
    fake_sink->hold_answers();
    const auto order = retry({one, two});
    loop.advance(1s);
    desk.wind_down();
    EXPECT_FALSE(desk.is_idle());
    fake_sink->release();
    loop.advance(1min);
    EXPECT_EQ(outcomes, std::vector{Outcome::delivered});
    EXPECT_EQ(dones.front().error().code, Errc::busy);
    EXPECT_EQ(idle, 1U);
    EXPECT_EQ(held(), 1U);
}

TEST_F(HeldDeskTest, AFaultOfTheLedgerEndsTheOrderAndIsTold) {
    const std::string id = hold("a", "m1");
    apply({account("a")});
    loop.advance(10s);
    ledger.fail_next_sync({Errc::io, Retry::later, "disk full"});
    const auto order = drop({id});
    loop.advance(10s);
    EXPECT_EQ(dones.front().error().text, "disk full");
    EXPECT_EQ(held(), 1U);
    EXPECT_TRUE(desk.is_idle());
    loop.advance(10min);
    EXPECT_GE(tally("a").polls, 2U) << "it is polled again";
}

}  // namespace
}  // namespace postrider::app
