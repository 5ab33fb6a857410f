#include "engine/poll_machine.h"

#include "unit/engine/poll_fixture.h"

// I3: a server that forgets at QUIT what was fetched (EXPIRE 0), and settling sessions.
namespace postrider::engine {
namespace {

using Calls = std::vector<std::string>;

class ConsumingServerTest : public PollTest {
  protected:
    ConsumingServerTest() { source.capabilities.consumes_on_settle = true; }

    [[nodiscard]] bool needs_settling() const { return ledger.state("alice").needs_settling; }
};

// and is asked once more whether that was all.
TEST_F(ConsumingServerTest, GetsItsQuitWhenAllIsDelivered) {
    add_some(2);
    good_poll();
    EXPECT_EQ(source.calls(), (Calls{"open", "fetch m1", "fetch m2", "settle", "close", "open",
                                     "settle", "close"}));
    EXPECT_FALSE(needs_settling());
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(ConsumingServerTest, GetsNoQuitWhileAFetchedMessageIsPutOff) {
    add_some(2);
    sink.answer("m1", test::put_off());
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->retry, Retry::later);
    EXPECT_EQ(source.count("settle"), 0U);
    EXPECT_EQ(source.mailbox.size(), 2U);
    EXPECT_TRUE(needs_settling());
}

// S-028, I3: it would count as fetched.
TEST_F(ConsumingServerTest, GetsNoQuitWhenItSentAnEmptyMessageInPlaceOfOne) {
    source.mailbox.push_back({"m0", "", 700});
    add_some(1);
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_NE(done.error->text.find("1 message put off: RETR 1: the server sent an empty message"),
              std::string::npos);
    EXPECT_EQ(done.delivered, 1U);
    EXPECT_EQ(source.count("settle"), 0U);
    EXPECT_TRUE(source.holds("m0"));
}

TEST_F(ConsumingServerTest, IsSettledWithoutAnyFetchBeforeItIsFetchedFromAgain) {
    policy.delete_after = 0s;
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    source.forget_calls();
    good_poll();
    EXPECT_EQ(source.calls(), (Calls{"open", "remove m2", "settle", "close", "open", "fetch m1",
                                     "remove m1", "settle", "close", "open", "settle", "close"}));
    EXPECT_FALSE(needs_settling());
    EXPECT_EQ(sink.accepted("m1"), 1U);
    EXPECT_EQ(sink.accepted("m2"), 1U);
}

TEST_F(ConsumingServerTest, SettlingDeletesNothingThatIsToBeKept) {
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    source.forget_calls();
    EXPECT_TRUE(poll().error);
    EXPECT_EQ(source.count("remove"), 0U);
    EXPECT_TRUE(source.holds("m2"));
}

TEST_F(ConsumingServerTest, TheNeedToSettleIsRecordedBeforeTheFirstFetch) {
    add("m1");
    ledger.hold_answers();
    start_poll();
    loop.run_until_idle();
    ledger.release_one();  // load
    loop.run_until_idle();
    EXPECT_TRUE(needs_settling());
    EXPECT_EQ(source.count("fetch"), 0U);
    ledger.release();
    finish_poll();
    EXPECT_EQ(source.count("fetch"), 1U);
}

TEST_F(ConsumingServerTest, WhatItTakesIsDurablyRecordedBeforeItsQuit) {
    add("m1");
    start_poll();
    ASSERT_TRUE(loop.run_until([&] { return source.count("settle") == 1; }, 1s));
    const auto durable = ledger.durable_record("alice", {"m1", 0});
    ASSERT_TRUE(durable);
    EXPECT_NE(durable->phase, store::Phase::seen);
    finish_poll();
}

TEST_F(ConsumingServerTest, AHeldCopySecuresAMessage) {
    add("m1");
    sink.answer("m1", test::refused(550));
    good_poll();
    EXPECT_EQ(source.count("settle"), 2U);
    EXPECT_TRUE(source.mailbox.empty());
    EXPECT_EQ(held.copies().size(), 1U);
}

TEST_F(ConsumingServerTest, ALostSessionIsSettledToo) {
    add_some(3);
    source.fails_at = 2;
    EXPECT_TRUE(poll().error);
    EXPECT_TRUE(needs_settling());
    source.fails_at.reset();
    source.forget_calls();
    good_poll();
    EXPECT_EQ(source.calls(), (Calls{"open", "settle", "close", "open", "fetch m2", "fetch m3",
                                     "settle", "close", "open", "settle", "close"}));
}

TEST_F(ConsumingServerTest, ASettlingSessionThatFailsIsRepeated) {
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    source.forget_calls();
    source.quit = test::FakeQuit::unanswered_none_deleted;
    EXPECT_TRUE(poll().error);
    EXPECT_EQ(source.count("fetch"), 0U);
    EXPECT_TRUE(needs_settling());
    source.quit = test::FakeQuit::good;
    EXPECT_EQ(good_poll().delivered, 1U);
}

TEST_F(ConsumingServerTest, ALoginDelayIsHonouredAfterSettling) {
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    source.capabilities.min_login_interval = 5min;
    const PollReport settled = poll();
    ASSERT_TRUE(settled.error);
    EXPECT_EQ(settled.error->code, Errc::busy);
    EXPECT_EQ(source.count("open"), 2U);
    loop.advance(5min);
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(source.count("open"), 3U);
}

// P-026: whoever asks, and after a restart, too.
TEST_F(PollTest, NobodyLogsInBeforeTheServerAllowsIt) {
    source.capabilities.min_login_interval = 5min;
    EXPECT_FALSE(poll().error);
    const PollReport early = poll();
    ASSERT_TRUE(early.error);
    EXPECT_EQ(early.error->code, Errc::busy);
    ASSERT_TRUE(early.more_after);
    EXPECT_LE(*early.more_after, 5min);
    EXPECT_GT(*early.more_after, 4min);
    EXPECT_EQ(early.sessions, 0U);
    EXPECT_EQ(source.count("open"), 1U);
    loop.advance(4min + 30s);
    const MonotonicTime before = loop.now();
    EXPECT_FALSE(poll().error) << "a little early: it waits";
    EXPECT_GT(loop.now() - before, 20s);
    EXPECT_EQ(source.count("open"), 2U);
}

TEST_F(ConsumingServerTest, ABacklogBehindItsWindowIsNoDoubt) {
    source.window = 250;
    add_some(600);
    EXPECT_EQ(good_poll().delivered, 600U);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(ConsumingServerTest, ABacklogIsNoDoubtEvenIfTheAnswerToQuitWasLost) {
    source.window = 250;
    add_some(500);
    source.quit = test::FakeQuit::unanswered_all_deleted;
    EXPECT_TRUE(poll().error);
    source.quit = test::FakeQuit::good;
    EXPECT_EQ(good_poll().delivered, 250U);
    EXPECT_EQ(sink.accepted().size(), 500U);
}

TEST_F(ConsumingServerTest, WhatItKeepsAgainstItsWordIsNotFetchedAgain) {
    add_some(2);
    const auto all = source.mailbox;
    good_poll();
    source.mailbox = all;
    source.forget_calls();
    EXPECT_EQ(good_poll().kept, 2U);
    EXPECT_EQ(source.count("fetch"), 0U);
}

/// A server that says so (EXPIRE 0): what it was to forget, and did not, is settled.
class ForbiddingServerTest : public ConsumingServerTest {
  protected:
    ForbiddingServerTest() { source.capabilities.forbids_keeping = true; }
};

TEST_F(ForbiddingServerTest, WhatAnInterruptedSessionHasDeliveredIsRemovedWhateverThePolicySays) {
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    source.forget_calls();
    good_poll();
    EXPECT_EQ(source.calls(), (Calls{"open", "remove m2", "settle", "close", "open", "fetch m1",
                                     "settle", "close", "open", "settle", "close"}));
    EXPECT_EQ(sink.accepted().size(), 2U);
}

TEST_F(ForbiddingServerTest, NothingElseIsRemovedAlongWithIt) {
    add("old");
    const auto kept_against_its_word = source.mailbox;
    good_poll();
    source.mailbox = kept_against_its_word;
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    good_poll();
    EXPECT_EQ(source.count("remove"), 1U);
    EXPECT_TRUE(source.holds("old"));
}

// Else a window that is full of them shows nothing new for ever.
TEST_F(ForbiddingServerTest, ARefusedQuitDoesNotFillItsWindow) {
    source.window = 2;
    add_some(3);
    source.quit = test::FakeQuit::refused_none_deleted;
    EXPECT_TRUE(poll().error);
    source.quit = test::FakeQuit::good;
    good_poll();
    EXPECT_TRUE(source.mailbox.empty());
    EXPECT_EQ(sink.accepted().size(), 3U);
}

TEST_F(ForbiddingServerTest, ARemovalThatIsRefusedIsAskedForAgain) {
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    source.removals_refused = {"m2"};
    good_poll();
    EXPECT_TRUE(source.holds("m2"));
    source.removals_refused.clear();
    good_poll();
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(ForbiddingServerTest, AHeldMessageIsFetchedOnceMoreAndNeverRemoved) {
    source.window = 1;
    add_some(2);
    sink.answer("m1", test::refused(550));
    source.quit = test::FakeQuit::refused_none_deleted;
    EXPECT_TRUE(poll().error);
    source.quit = test::FakeQuit::good;
    good_poll();
    EXPECT_TRUE(source.mailbox.empty());
    EXPECT_EQ(source.count("remove"), 0U);
    EXPECT_EQ(held.copies().size(), 1U);
    EXPECT_EQ(phase("m1"), store::Phase::held);
    EXPECT_EQ(sink.accepted("m2"), 1U);
}

TEST_F(ForbiddingServerTest, OneThatSaysSoNoLongerLosesNothing) {
    add_some(2);
    sink.answer("m1", test::put_off());
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    source.capabilities = {};
    good_poll();
    EXPECT_EQ(source.count("remove"), 0U);
    EXPECT_EQ(source.mailbox.size(), 2U);
}

// Other ways of a poll.

class PollMachineTest : public PollTest {};

TEST_F(PollMachineTest, DoesNotLogInWhileTheDestinationIsClosed) {
    add("m1");
    destination.on_fault({Errc::network, Retry::later, "refused"}, loop.now());
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "destination local: refused");
    EXPECT_EQ(source.count("open"), 0U);
    EXPECT_EQ(sink.probes(), 0U);
}

TEST_F(PollMachineTest, DoesNotLogInIfTheProbeFails) {
    add("m1");
    sink.answer_probes(failure(Errc::network, Retry::later, "connection refused"));
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "destination local: connection refused");
    EXPECT_EQ(source.count("open"), 0U);
    EXPECT_TRUE(destination.closed(loop.now()));
}

TEST_F(PollMachineTest, DeliversOnceThePauseHasEnded) {
    add("m1");
    sink.answer_probes(failure(Errc::network, Retry::later, "connection refused"));
    EXPECT_TRUE(poll().error);
    sink.clear_script();
    EXPECT_TRUE(poll().error);
    loop.advance(1min);
    EXPECT_EQ(good_poll().delivered, 1U);
}

TEST_F(PollMachineTest, ADoubtTouchesNothing) {
    policy.delete_after = 0s;
    add_some(200, "old");
    source.quit = test::FakeQuit::refused_none_deleted;
    policy.delete_after.reset();
    poll();
    source.quit = test::FakeQuit::good;
    policy.delete_after = 0s;
    for (auto& message : source.mailbox) {
        message.uid += "-renamed";
    }
    source.forget_calls();
    const std::size_t calls = ledger.calls().size();
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->code, Errc::doubt);
    EXPECT_EQ(source.calls(), (Calls{"open", "close"}));
    EXPECT_EQ(ledger.calls().size(), calls + 1) << "but for the load";
    policy.accept_new_uids = true;
    EXPECT_EQ(good_poll().delivered, 200U);
}

TEST_F(PollMachineTest, AConfirmedDeletionIsForgottenAtTheNextListing) {
    policy.delete_after = 0s;
    add("m1");
    good_poll();
    EXPECT_EQ(phase("m1"), store::Phase::gone);
    good_poll();
    EXPECT_FALSE(record("m1"));
}

TEST_F(PollMachineTest, ADeletionThatSeemsUndoneIsJudgedByItsContent) {
    policy.delete_after = 0s;
    add("m1");
    const auto as_it_was = source.mailbox;
    good_poll();
    source.mailbox = as_it_was;
    good_poll();
    EXPECT_EQ(sink.accepted("m1"), 1U);
    EXPECT_TRUE(source.mailbox.empty()) << "known again, it is deleted again";
}

TEST_F(PollMachineTest, AnotherMessageUnderTheUidOfADeletedOneIsKeptForItsOwnTime) {
    policy.delete_after = 0s;
    policy.keep_on_server_at_least = 2h;
    source.add("x", test::plain_mail("one"));
    good_poll();
    loop.advance(2h);
    good_poll();
    ASSERT_TRUE(source.mailbox.empty());
    source.add("x", test::plain_mail("two"));  // of the same size
    good_poll();
    EXPECT_TRUE(source.holds("x"));
    loop.advance(2h);
    good_poll();
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(PollMachineTest, AnotherMessageUnderTheUidOfADeletedOneIsDelivered) {
    policy.delete_after = 0s;
    source.add("x", test::plain_mail("one"));
    good_poll();
    source.add("x", test::plain_mail("two"));  // of the same size
    good_poll();
    EXPECT_EQ(sink.accepted("two"), 1U);
}

}  // namespace
}  // namespace postrider::engine
