#include "engine/transfer.h"

#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

using store::Phase;

class TransferTest : public PollTest {
  protected:
    TransferTest() { policy.delete_after = 0s; }

    void two_recipients() {
        policy.recipients = {address("alice@localhost"), address("bob@localhost")};
    }
    static constexpr const char* kAlice = "alice@localhost";
    static constexpr const char* kBob = "bob@localhost";
};

// Refused: held.

TEST_F(TransferTest, ARefusedMessageIsHeldWithACopyAndNeverDeleted) {
    add("m1");
    sink.answer("m1", test::refused(550));
    const PollReport done = good_poll();
    EXPECT_EQ(done.held, 1U);
    EXPECT_EQ(done.last_trouble, "alice@localhost: 550 5.7.1 no");
    EXPECT_EQ(phase("m1"), Phase::held);
    EXPECT_EQ(record("m1")->note, done.last_trouble);
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_TRUE(held.copies().front().octets.ends_with(source.mailbox.front().octets));
    source.forget_calls();
    loop.advance(24h * 365);
    EXPECT_EQ(good_poll().held_before, 1U);
    EXPECT_EQ(source.count("fetch"), 0U);
    EXPECT_EQ(source.count("remove"), 0U);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(TransferTest, ARefusedRecipientDoesNotKeepTheOtherFromTheMessage) {
    two_recipients();
    add("m1");
    sink.answer("m1", test::refused(550), kBob);
    EXPECT_EQ(good_poll().held, 1U);
    EXPECT_EQ(sink.accepted("m1", kAlice), 1U);
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_EQ(held.copies().front().what.envelope.recipients,
              std::vector<mail::Address>{address(kBob)});
    good_poll();
    EXPECT_EQ(sink.tried().size(), 1U);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(TransferTest, AHeldStoreThatFailsEndsThePollAndHoldsNothing) {
    add_some(2);
    sink.answer("m1", test::refused(550));
    held.fail_next({Errc::io, Retry::later, "disk full"});
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "disk full");
    EXPECT_FALSE(record("m1"));
    EXPECT_EQ(sink.committed(), std::vector<std::string>{"m1"});
    EXPECT_EQ(good_poll().held, 1U);
}

// S-016
TEST_F(TransferTest, AFullMailboxIsWaitedForThreeDaysThenHeld) {
    add("m1");
    sink.answer("m1", test::refused(552, "5.2.2"));
    EXPECT_EQ(good_poll().put_off, 1U);
    loop.advance(72h - 1s);
    EXPECT_EQ(good_poll().put_off, 1U);
    EXPECT_TRUE(held.copies().empty());
    loop.advance(1s);
    EXPECT_EQ(good_poll().held, 1U);
    EXPECT_EQ(held.copies().size(), 1U);
}

TEST_F(TransferTest, AFullMailboxThatIsEmptiedInTimeGetsItsMessage) {
    add("m1");
    sink.answer("m1", test::refused(552, "5.2.2"));
    good_poll();
    sink.clear_script();
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_FALSE(record("m1")->failing_since);
    EXPECT_TRUE(source.mailbox.empty());
}

// S-016
TEST_F(TransferTest, AMisconfiguredDestinationHoldsNothing) {
    two_recipients();
    add("m1");
    sink.answer("m1", test::refused(550), kAlice);
    sink.answer("m1", {sink::Outcome::later, 530, "5.7.0", "TLS first"}, kBob);
    sink.fault_at("m1", {Errc::refused, Retry::never, "530 TLS first"});
    EXPECT_TRUE(poll().error);
    EXPECT_TRUE(held.copies().empty());
    EXPECT_FALSE(record("m1")) << "it says nothing of the message";
    EXPECT_TRUE(destination.closed(loop.now() + 24h));
}

// Put off.

// S-017
TEST_F(TransferTest, OnlyWhoHasNotGotItGetsItAtTheNextPoll) {
    two_recipients();
    add("m1");
    sink.answer("m1", test::put_off(), kBob);
    EXPECT_EQ(good_poll().put_off, 1U);
    EXPECT_TRUE(source.holds("m1"));
    sink.clear_script();
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(sink.accepted("m1", kAlice), 1U);
    EXPECT_EQ(sink.accepted("m1", kBob), 1U);
    EXPECT_TRUE(source.mailbox.empty());
}

//
TEST_F(TransferTest, EveryDeliveryOfAMessageCarriesTheSameId) {
    two_recipients();
    add("m1");
    sink.answer("m1", test::put_off(), kBob);
    good_poll();
    sink.clear_script();
    loop.advance(1h);
    good_poll();
    ASSERT_EQ(sink.accepted().size(), 2U);
    const auto id = [&](std::size_t i) {
        const std::string& octets = sink.accepted()[i].octets;
        return octets.substr(0, octets.find("\r\n"));
    };
    EXPECT_EQ(id(0), id(1));
}

TEST_F(TransferTest, OneRefusedAndOnePutOffEndHeldWithOneCopy) {
    two_recipients();
    add("m1");
    sink.answer("m1", test::refused(550), kAlice);
    sink.answer("m1", test::put_off(), kBob);
    EXPECT_EQ(good_poll().put_off, 1U);
    EXPECT_EQ(held.copies().size(), 1U);
    EXPECT_TRUE(record("m1")->held_copy);
    sink.clear_script();
    EXPECT_EQ(good_poll().held, 1U);
    EXPECT_EQ(sink.accepted("m1", kAlice), 0U);
    EXPECT_EQ(sink.accepted("m1", kBob), 1U);
    EXPECT_EQ(held.copies().size(), 1U);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(TransferTest, AnUnansweredDeliveryIsRepeated) {
    add("m1");
    sink.answer("m1", {sink::Outcome::ambiguous, 0, "", "no answer to the final dot"});
    EXPECT_EQ(good_poll().put_off, 1U);
    sink.clear_script();
    EXPECT_EQ(good_poll().delivered, 1U);
}

TEST_F(TransferTest, ARecipientTakenOffTheListIsNotWaitedFor) {
    two_recipients();
    add("m1");
    sink.answer("m1", test::put_off(), kBob);
    good_poll();
    policy.recipients = {address(kAlice)};
    good_poll();
    EXPECT_EQ(phase("m1"), Phase::gone);
    EXPECT_EQ(sink.tried().size(), 1U);
}

TEST_F(TransferTest, OtherContentUnderAPutOffUidIsForEverybody) {
    two_recipients();
    source.add("x", test::plain_mail("one"));
    sink.answer("one", test::put_off(), kBob);
    good_poll();
    source.mailbox.front().octets = test::plain_mail("two");  // of the same size
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(sink.accepted("two", kAlice), 1U);
    EXPECT_EQ(sink.accepted("two", kBob), 1U);
}

TEST_F(TransferTest, OtherContentIsNotKeptForACopyOfWhatWasThereBefore) {
    two_recipients();
    source.add("x", test::plain_mail("one"));
    sink.answer("one", test::refused(550), kAlice);
    sink.answer("one", test::put_off(), kBob);
    good_poll();
    source.mailbox.front().octets = test::plain_mail("two");
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(phase("x"), Phase::gone);
}

// Equal UIDs: content decides.

class EqualUidsTest : public TransferTest {
  protected:
    EqualUidsTest() {
        policy.delete_after.reset();
        for (const char* const subject : {"a", "b", "c"}) {
            add_equal(subject);
        }
    }
    void add_equal(const std::string& subject) { source.add("x", test::plain_mail(subject)); }
    void take_first() { source.mailbox.erase(source.mailbox.begin()); }
    void expect_each_once() {
        for (const char* const subject : {"a", "b", "c"}) {
            EXPECT_EQ(sink.accepted(subject), 1U) << subject;
        }
    }
};

TEST_F(EqualUidsTest, AllAreDelivered) {
    good_poll();
    good_poll();
    expect_each_once();
    EXPECT_EQ(source.count("fetch"), 3U);
}

TEST_F(EqualUidsTest, ThoseThatMoveUpAreKnownByTheirContent) {
    good_poll();
    take_first();
    EXPECT_EQ(good_poll().fetched, 2U);
    EXPECT_EQ(good_poll().fetched, 0U) << "verified once";
    expect_each_once();
}

TEST_F(EqualUidsTest, AnUndeliveredOneThatMovesUpToADeliveredPlaceIsDelivered) {
    sink.answer("c", test::put_off());
    good_poll();
    sink.clear_script();
    take_first();
    EXPECT_EQ(good_poll().delivered, 1U);
    expect_each_once();
}

TEST_F(EqualUidsTest, OneNeverTriedThatMovesUpToADeliveredPlaceIsDelivered) {
    sink.fault_at("b", {Errc::busy, Retry::later, "down"});
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    take_first();
    loop.advance(1h);
    good_poll();
    expect_each_once();
}

TEST_F(EqualUidsTest, WhenTheyGrowOnlyTheNewOneIsDelivered) {
    good_poll();
    add_equal("d");
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(sink.accepted("d"), 1U);
    expect_each_once();
}

TEST_F(EqualUidsTest, ASessionLostWhileTheyAreVerifiedDoublesNothing) {
    good_poll();
    take_first();
    source.fails_at = 2;  // listing, b
    EXPECT_TRUE(poll().error);
    source.fails_at.reset();
    good_poll();
    expect_each_once();
}

TEST_F(EqualUidsTest, AllOrNoneAreDeleted) {
    policy.delete_after = 0s;
    sink.answer("b", test::put_off());
    EXPECT_EQ(good_poll().removed, 0U);
    sink.clear_script();
    EXPECT_EQ(good_poll().removed, 3U);
    expect_each_once();
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(EqualUidsTest, TheRecordOfOneThatVanishedIsForgottenPatiently) {
    good_poll();
    take_first();
    good_poll();
    EXPECT_TRUE(record("x", 2));
    loop.advance(24h);
    good_poll();
    EXPECT_FALSE(record("x", 2));
    EXPECT_TRUE(record("x", 1));
}

// Poison for the destination.

TEST_F(TransferTest, AMessageOverWhichTheDestinationHangsUpIsNotInTheWayAndHeldAfterFiveTimes) {
    add_some(3);
    sink.hang_up_on("m1");
    for (std::uint32_t i = 1; i < kPoisonAfter; ++i) {
        const PollReport done = good_poll();
        EXPECT_EQ(done.put_off, 1U);
        EXPECT_EQ(done.delivered, i == 1 ? 2U : 0U) << i;
        EXPECT_EQ(record("m1")->failures, i);
    }
    add("m4");
    const PollReport last = good_poll();
    EXPECT_EQ(last.held, 1U);
    EXPECT_EQ(last.delivered, 1U);
    EXPECT_EQ(phase("m1"), Phase::held);
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_EQ(held.copies().front().what.reason,
              "alice@localhost: the destination lost the connection over it 5 times in a row: the "
              "server closed the connection");
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(TransferTest, PoisonAtTheHeadOfTheMailboxGivesWayToTheOthers) {
    add_some(5);
    for (const char* const subject : {"m1", "m2", "m3"}) {
        sink.hang_up_on(subject);
    }
    EXPECT_TRUE(poll().error) << "two in a row look like an outage";
    EXPECT_EQ(sink.accepted().size(), 0U);
    loop.advance(1min);
    EXPECT_TRUE(poll().error);
    EXPECT_EQ(sink.accepted("m4"), 1U);
    EXPECT_EQ(sink.accepted("m5"), 1U);
}

TEST_F(TransferTest, AnAnswerForgivesTheHangUpsBeforeIt) {
    add("m1");
    sink.hang_up_on("m1");
    for (std::uint32_t i = 1; i < kPoisonAfter; ++i) {
        loop.advance(20min);
        EXPECT_EQ(poll().put_off, 1U);
    }
    sink.clear_script();
    sink.answer("m1", test::put_off());
    loop.advance(20min);
    EXPECT_EQ(poll().put_off, 1U);
    EXPECT_EQ(record("m1")->failures, 0U);
    EXPECT_TRUE(held.copies().empty());
}

}  // namespace
}  // namespace postrider::engine
