#include "engine/conveyor.h"

#include <limits>

#include <gmock/gmock.h>

#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

class ConveyorTest : public PollTest {
  protected:
    void add_listed_as(const std::string& uid, std::uint64_t size) {
        source.mailbox.push_back({uid, test::plain_mail(uid), size});
    }
};

// What is asked for ahead.

TEST_F(ConveyorTest, AsksAheadAsFarAsTheWindowAllows) {
    for (const char* const uid : {"m1", "m2", "m3"}) {
        add_listed_as(uid, kInFlight / 2);
    }
    sink.hold_answers();
    start_poll();
    loop.run_until_idle();
    EXPECT_EQ(source.count("fetch"), 2U);
    sink.release_one();
    loop.run_until_idle();
    EXPECT_EQ(source.count("fetch"), 3U);
    sink.release();
    EXPECT_EQ(finish_poll().delivered, 3U);
}

TEST_F(ConveyorTest, OneOctetTooManyWaits) {
    add_listed_as("m1", kInFlight / 2);
    add_listed_as("m2", kInFlight / 2 + 1);
    sink.hold_answers();
    start_poll();
    loop.run_until_idle();
    EXPECT_EQ(source.count("fetch"), 1U);
    sink.release();
    EXPECT_EQ(finish_poll().delivered, 2U);
}

TEST_F(ConveyorTest, AMessageLargerThanTheWindowGoesAlone) {
    add_listed_as("large", std::numeric_limits<std::uint64_t>::max());
    add_some(2);
    sink.hold_answers();
    start_poll();
    loop.run_until_idle();
    EXPECT_EQ(source.count("fetch"), 1U);
    sink.release();
    EXPECT_EQ(finish_poll().delivered, 3U);
}

TEST_F(ConveyorTest, AServerThatListsNoSizesDoesNotOpenTheWindow) {
    for (int i = 0; i < 1200; ++i) {
        add_listed_as("m" + std::to_string(i), 0);
    }
    sink.hold_answers();
    start_poll();
    loop.run_until_idle();
    EXPECT_LE(source.count("fetch"), 1024U);
    sink.release();
    EXPECT_EQ(finish_poll().delivered, 1200U);
}

TEST_F(ConveyorTest, AccountsShareTheMemory) {
    MemoryBudget tight(loop, 8192);
    Services scarce{loop, ledger, held, tight, log, "here.example.net"};
    test::FakeSource other_source(loop);
    AccountPolicy other_policy = policy;
    other_policy.account = "bob";
    add_some(3, "a");
    for (const char* const uid : {"b1", "b2", "b3"}) {
        other_source.add(uid, test::plain_mail(uid));
    }
    std::size_t finished = 0;
    const auto count = [&](const PollReport& done) {
        EXPECT_EQ(done.delivered, 3U) << done.account;
        ++finished;
    };
    AccountPoll alice(scarce, source, destination, policy);
    AccountPoll bob(scarce, other_source, destination, other_policy);
    sink.hold_answers();
    alice.start([](const PollReport&) {}, count);
    bob.start([](const PollReport&) {}, count);
    loop.run_until_idle();
    EXPECT_EQ(source.count("fetch") + other_source.count("fetch"), 2U);
    while (finished < 2) {
        ASSERT_GT(sink.under_way(), 0U) << "nobody gets any further";
        EXPECT_LE(tight.used(), 8192U);
        sink.release_one();
        loop.run_until_idle();
    }
    EXPECT_EQ(tight.used(), 0U);
}

// Fetches that are refused.

TEST_F(ConveyorTest, ARefusedFetchLetsTheOthersPass) {
    add_some(4);
    source.fetches_refused = {"m1", "m2"};
    const PollReport done = good_poll();
    EXPECT_EQ(done.fetch_refused, 2U);
    EXPECT_EQ(done.delivered, 2U);
    EXPECT_EQ(record("m1")->failures, 1U);
}

// S-028
TEST_F(ConveyorTest, AnEmptyMessageThatWasListedWithOctetsIsTheServersFault) {
    policy.delete_after = 0s;
    source.mailbox.push_back({"empty", "", 700});
    source.mailbox.push_back({"none", "", 0});
    add_some(1);
    PollReport done = good_poll();
    EXPECT_EQ(done.fetch_refused, 1U);
    EXPECT_EQ(done.delivered, 2U) << "a message of no octets is one if it was listed so";
    EXPECT_NE(done.last_trouble.find("empty message where it listed 700 octets"),
              std::string::npos);
    ASSERT_EQ(source.mailbox.size(), 1U);
    for (std::uint32_t poll = 2; poll <= kPoisonAfter; ++poll) {
        EXPECT_EQ(record("empty")->failures, poll - 1);
        EXPECT_EQ(good_poll().fetch_refused, 1U);
    }
    EXPECT_EQ(phase("empty"), store::Phase::held);
    EXPECT_EQ(good_poll().fetch_refused, 0U) << "not in the way of the others any more";
    EXPECT_TRUE(source.holds("empty"));
    // The day it is whole it is delivered.
    source.mailbox.front().octets = test::plain_mail("empty", 700);
    loop.advance(kPoisonRetry + 1h);
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(ConveyorTest, WhatWillNeverBePoisonDoesNotEndEverySession) {
    policy.delete_after = 0s;
    source.has_uids = false;
    source.on_remove = nullptr;  // there are no records by UID
    for (int i = 0; i < 4; ++i) {
        source.mailbox.push_back({"", "", kInFlight});
    }
    source.mailbox.push_back({"", test::plain_mail("behind"), std::nullopt});
    EXPECT_EQ(good_poll().delivered, 1U);
}

TEST_F(ConveyorTest, ThreeRefusedInARowEndTheSessionInGoodOrder) {
    policy.delete_after = 0s;
    add_listed_as("m0", 100);
    for (const char* const uid : {"m1", "m2", "m3", "m4"}) {
        add_listed_as(uid, kInFlight);  // one at a time
    }
    source.fetches_refused = {"m1", "m2", "m3"};
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "3 messages refused in a row, the last: -ERR not now");
    EXPECT_EQ(source.count("fetch m4"), 0U);
    EXPECT_EQ(source.count("remove m0"), 1U);
    EXPECT_EQ(source.count("settle"), 1U);
}

TEST_F(ConveyorTest, AMessageRefusedFiveTimesIsPoisonAndTriedDaily) {
    policy.delete_after = 0s;
    add("poison");
    source.fetches_refused = {"poison"};
    for (std::uint32_t i = 1; i < kPoisonAfter; ++i) {
        good_poll();
        EXPECT_EQ(phase("poison"), store::Phase::seen) << i;
    }
    good_poll();
    EXPECT_EQ(phase("poison"), store::Phase::held);
    source.forget_calls();
    EXPECT_EQ(good_poll().held_before, 1U);
    EXPECT_EQ(source.count("fetch"), 0U);
    loop.advance(24h);
    EXPECT_EQ(good_poll().fetch_refused, 1U);
    good_poll();
    EXPECT_EQ(source.count("fetch"), 1U) << "once a day";
    source.fetches_refused.clear();
    loop.advance(24h);
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(source.count("remove"), 1U);
}

TEST_F(ConveyorTest, ASuccessfulFetchForgivesTheRefusalsBeforeIt) {
    add("m1");
    source.fetches_refused = {"m1"};
    for (std::uint32_t i = 1; i < kPoisonAfter; ++i) {
        good_poll();
    }
    source.fetches_refused.clear();
    sink.answer("m1", test::put_off());
    good_poll();
    EXPECT_EQ(record("m1")->failures, 0U);
}

TEST_F(ConveyorTest, ALedgerThatCannotCountARefusalEndsThePoll) {
    add_some(3);
    source.fetches_refused = {"m1"};
    sink.hold_answers();
    start_poll();
    ASSERT_TRUE(loop.run_until([&] { return source.count("fetch") == 3; }, 1s));
    ledger.fail_next_write({Errc::io, Retry::never, "damaged"});
    sink.release();
    const PollReport done = finish_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "damaged");
}

TEST_F(ConveyorTest, ALedgerThatFailsARefusalAndADeliveryAtOnceEndsThePollOnce) {
    add_some(2);
    source.fetches_refused = {"m2"};
    ledger.hold_answers();
    start_poll();
    for (int answers = 0; answers < 2; ++answers) {  // load, known to be polled
        loop.run_until_idle();
        ledger.release_one();
    }
    ledger.fail_next_write({Errc::io, Retry::never, "damaged"});
    loop.run_until_idle();
    ASSERT_EQ(ledger.held_answers(), 2U) << "the refusal of m2 and the delivery of m1";
    ledger.release();
    const PollReport done = finish_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "damaged");
}

// The destination closes.

TEST_F(ConveyorTest, OnePutOffLetsTheOthersPass) {
    add_some(3);
    sink.answer("m2", test::put_off());
    const PollReport done = good_poll();
    EXPECT_EQ(done.delivered, 2U);
    EXPECT_EQ(done.put_off, 1U);
    sink.clear_script();
    EXPECT_EQ(good_poll().delivered, 1U);
}

TEST_F(ConveyorTest, WhyAMessageWasPutOffIsToldRatherThanWhyALaterOneIsHeld) {
    add_some(3);
    sink.answer("m1", {sink::Outcome::refused, 550, "5.1.1", "no such user"});
    sink.answer("m2", {sink::Outcome::later, 451, "4.3.0", "not now"});
    sink.answer("m3", {sink::Outcome::refused, 550, "5.7.1", "spam"});
    const PollReport done = good_poll();
    EXPECT_EQ(done.held, 2U);
    EXPECT_EQ(done.put_off, 1U);
    EXPECT_THAT(done.last_trouble, testing::HasSubstr("not now"));
}

TEST_F(ConveyorTest, WhyTheLastMessageIsHeldIsToldIfAllOthersPass) {
    add_some(3);
    sink.answer("m1", {sink::Outcome::refused, 550, "5.1.1", "no such user"});
    sink.answer("m2", {sink::Outcome::refused, 550, "5.7.1", "spam"});
    EXPECT_THAT(good_poll().last_trouble, testing::HasSubstr("spam"));
}

TEST_F(ConveyorTest, ThreePutOffsInARowPutOffTheRestUntried) {
    add_some(6);
    sink.answer("", test::put_off());
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.put_off, 6U);
    EXPECT_EQ(sink.tried().size(), 3U);
    EXPECT_TRUE(destination.closed(loop.now()));
    EXPECT_EQ(source.count("settle"), 1U) << "an ordinary server forgets nothing at QUIT";
}

TEST_F(ConveyorTest, AStopInMidSessionPutsTheRestOff) {
    add_some(3);
    sink.answer("m2", {sink::Outcome::later, 421, "4.3.2", "shutting down"});
    sink.fault_at("m2", {Errc::busy, Retry::later, "421 shutting down"});
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.delivered, 1U);
    EXPECT_EQ(done.put_off, 2U);
    EXPECT_EQ(sink.tried().size(), 2U);
    sink.clear_script();
    loop.advance(1min);
    EXPECT_EQ(good_poll().delivered, 2U);
}

TEST_F(ConveyorTest, WhatIsPreparedWhenTheDestinationClosesIsPutOffUncommitted) {
    add_some(3);
    start_poll();
    sink.hold_answers();
    loop.run_until_idle();
    ledger.hold_answers();
    sink.release();
    loop.run_until_idle();
    ASSERT_EQ(sink.tried().size(), 2U);
    destination.on_fault({Errc::network, Retry::later, "refused"}, loop.now());
    ledger.release();
    const PollReport done = finish_poll();
    EXPECT_EQ(done.delivered, 1U);
    EXPECT_EQ(done.put_off, 2U);
    EXPECT_EQ(sink.committed(), std::vector<std::string>{"m1"});
    EXPECT_EQ(sink.under_way(), 0U);
}

TEST_F(ConveyorTest, APollThatIsDroppedLeavesNothingBehindOfWhatItPrepared) {
    add_some(3);
    start_poll();
    sink.hold_answers();
    loop.run_until_idle();
    ledger.hold_answers();
    sink.release();
    loop.run_until_idle();
    account_poll.reset();
    ledger.release();
    loop.run_until_idle();
    EXPECT_EQ(sink.committed(), std::vector<std::string>{"m1"});
    EXPECT_EQ(sink.under_way(), 0U);
    EXPECT_EQ(memory.used(), 0U);
}

TEST_F(ConveyorTest, EndsWhenAnotherAccountFindsTheDestinationClosed) {
    for (const char* const uid : {"m1", "m2", "m3"}) {
        add_listed_as(uid, kInFlight);  // one at a time
    }
    start_poll();
    ASSERT_TRUE(loop.run_until([&] { return source.count("fetch") == 1; }, 1s));
    destination.on_fault({Errc::network, Retry::later, "refused"}, loop.now());
    const PollReport done = finish_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "destination local: refused");
    EXPECT_EQ(done.put_off, 1U);
    EXPECT_EQ(source.count("fetch"), 1U);
    EXPECT_TRUE(sink.tried().empty());
}

TEST_F(ConveyorTest, FetchesNothingIfTheDestinationClosedDuringTheLogin) {
    add("m1");
    start_poll();
    ASSERT_TRUE(loop.run_until([&] { return source.count("open") == 1; }, 1s));
    destination.on_fault({Errc::network, Retry::later, "refused"}, loop.now());
    EXPECT_TRUE(finish_poll().error);
    EXPECT_EQ(source.count("fetch"), 0U);
}

// The session is lost.

TEST_F(ConveyorTest, WhatWasReceivedBeforeTheSessionWasLostIsDelivered) {
    add_some(4);
    sink.hold_answers();
    source.fails_at = 3;  // listing, m1, m2
    start_poll();
    loop.run_until_idle();
    sink.release();
    const PollReport done = finish_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "connection lost");
    EXPECT_EQ(done.delivered, 2U);
    source.fails_at.reset();
    EXPECT_EQ(good_poll().fetched, 2U);
}

}  // namespace
}  // namespace postrider::engine
