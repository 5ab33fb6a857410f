#include "postrider/engine/account_poll.h"

#include <algorithm>

#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

using test::FakeQuit;

class AccountPollTest : public PollTest {};

TEST_F(AccountPollTest, DeliversEveryMessageOnceInTheOrderOfTheListing) {
    add_some(3);
    const PollReport done = good_poll();
    EXPECT_EQ(sink.tried(), (std::vector<std::string>{"m1", "m2", "m3"}));
    EXPECT_EQ(done.listed, 3U);
    EXPECT_EQ(done.fetched, 3U);
    EXPECT_EQ(done.delivered, 3U);
    EXPECT_EQ(phase("m2"), store::Phase::delivered);
}

// S-022
TEST_F(AccountPollTest, PutsItsOwnLinesOnTopAndChangesNothingElse) {
    const std::string mail = test::plain_mail("m1", 500);
    source.add("m1", mail);
    good_poll();
    ASSERT_EQ(sink.accepted().size(), 1U);
    const std::string& octets = sink.accepted().front().octets;
    EXPECT_TRUE(octets.starts_with("X-Postrider-Id: "));
    EXPECT_TRUE(octets.ends_with(mail));
}

TEST_F(AccountPollTest, RemembersAnEmptyMailboxAsPolled) {
    good_poll();
    EXPECT_TRUE(ledger.is_known("alice"));
}

// I4: no spontaneous duplicate.

TEST_F(AccountPollTest, ASecondPollFetchesNothing) {
    add_some(3);
    good_poll();
    source.forget_calls();
    const PollReport again = good_poll();
    EXPECT_EQ(source.count("fetch"), 0U);
    EXPECT_EQ(again.kept, 3U);
    EXPECT_EQ(sink.accepted().size(), 3U);
}

TEST_F(AccountPollTest, ASecondPollDeliversOnlyWhatIsNew) {
    add_some(3);
    good_poll();
    add("new");
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(sink.tried().back(), "new");
}

TEST_F(AccountPollTest, RenumberedMessagesAreKnownByTheirUid) {
    add_some(3);
    good_poll();
    std::reverse(source.mailbox.begin(), source.mailbox.end());
    source.take_away("m2");
    good_poll();
    EXPECT_EQ(sink.accepted().size(), 3U);
}

class FailedQuit : public AccountPollTest, public ::testing::WithParamInterface<FakeQuit> {};

//
TEST_P(FailedQuit, DeliversNothingTwiceAndDeletesTheRestLater) {
    policy.delete_after = 0s;
    add_some(3);
    source.quit = GetParam();
    const PollReport failed = poll();
    EXPECT_TRUE(failed.error);
    EXPECT_EQ(failed.removed, 0U) << "nobody has confirmed it";
    source.quit = FakeQuit::good;
    good_poll();
    EXPECT_TRUE(source.mailbox.empty());
    EXPECT_EQ(sink.accepted().size(), 3U);
    EXPECT_EQ(source.count("fetch"), 3U);
}

INSTANTIATE_TEST_SUITE_P(AllWays, FailedQuit,
                         ::testing::Values(FakeQuit::refused_all_deleted,
                                           FakeQuit::refused_none_deleted,
                                           FakeQuit::refused_first_deleted,
                                           FakeQuit::unanswered_all_deleted,
                                           FakeQuit::unanswered_none_deleted));

TEST_F(AccountPollTest, DroppedInTheMiddleItGoesOnWhereTheLedgerStands) {
    add_some(4);
    sink.hold_answers();
    start_poll();
    loop.run_until_idle();
    sink.release_one();
    loop.run_until_idle();
    account_poll.reset();  // the process dies while m2 is at the destination, unanswered
    loop.run_until_idle();
    EXPECT_EQ(memory.used(), 0U);
    sink.release();
    good_poll();
    EXPECT_EQ(sink.accepted().size(), 4U);
    EXPECT_EQ(sink.accepted("m1"), 1U);
}

// S-003
TEST_F(AccountPollTest, ASessionLostAtAnyStepLosesAndDoublesNothing) {
    policy.delete_after = 0s;
    std::size_t step = 0;
    while (true) {
        const std::string prefix = std::to_string(step) + "-";
        add_some(3, prefix);
        source.fails_at = step;
        const bool was_lost = poll().error.has_value();
        source.fails_at.reset();
        good_poll();
        EXPECT_TRUE(source.mailbox.empty()) << step;
        for (const char* const number : {"1", "2", "3"}) {
            EXPECT_EQ(sink.accepted(prefix + number), 1U) << prefix << number;
        }
        if (!was_lost) {
            break;
        }
        ++step;
    }
    EXPECT_EQ(step, 8U) << "listing, three fetches, three deletions, QUIT";
}

// I2: safe DELE. The fixture watches every DELE; here is the order of the calls.

TEST_F(AccountPollTest, DeletesOnlyAfterTheLedgerIsDurable) {
    policy.delete_after = 0s;
    add_some(2);
    good_poll();
    using Kind = test::MemoryLedger::Call::Kind;
    std::vector<Kind> kinds;
    for (const auto& call : ledger.calls()) {
        kinds.push_back(call.kind);
    }
    // load, known to be polled, m1, m2, sync, both deleting, both gone
    EXPECT_EQ(kinds, (std::vector<Kind>{Kind::load, Kind::write, Kind::write, Kind::write,
                                        Kind::sync, Kind::write, Kind::write}));
    EXPECT_EQ(phase("m1"), store::Phase::gone);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(AccountPollTest, DoesNotDeleteWhileTheSyncIsOut) {
    policy.delete_after = 0s;
    add("m1");
    start_poll();
    loop.run_until_idle();
    ASSERT_TRUE(report);  // the same way once more, now step by step
    add("m2");
    ledger.hold_answers();
    start_poll();
    // load, m1 forgotten, m2 delivered; the next answer is the sync's
    for (int answers = 0; answers < 3; ++answers) {
        loop.run_until_idle();
        ASSERT_EQ(ledger.held_answers(), 1U);
        ledger.release_one();
    }
    loop.run_until_idle();
    EXPECT_EQ(ledger.calls().back().kind, test::MemoryLedger::Call::Kind::sync);
    EXPECT_EQ(source.count("remove m2"), 0U);
    ledger.release();
    finish_poll();
    EXPECT_EQ(source.count("remove m2"), 1U);
}

TEST_F(AccountPollTest, ASyncThatFailsDeletesNothing) {
    policy.delete_after = 0s;
    add_some(2);
    ledger.fail_next_sync({Errc::io, Retry::never, "fsync failed"});
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "fsync failed");
    EXPECT_EQ(source.count("remove"), 0U);
    EXPECT_EQ(source.mailbox.size(), 2U);
}

TEST_F(AccountPollTest, ARefusedDeletionIsAskedForAgain) {
    policy.delete_after = 0s;
    add_some(2);
    source.removals_refused = {"m1"};
    EXPECT_EQ(good_poll().removed, 1U);
    EXPECT_EQ(phase("m1"), store::Phase::deleting);
    source.removals_refused.clear();
    EXPECT_EQ(good_poll().removed, 1U);
    EXPECT_TRUE(source.mailbox.empty());
}

// The ledger fails.

TEST_F(AccountPollTest, ALedgerThatCannotBeReadEndsThePollBeforeTheLogin) {
    ledger.fail_next_load({Errc::io, Retry::later, "disk"});
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "disk");
    EXPECT_EQ(source.count("open"), 0U);
}

TEST_F(AccountPollTest, ALedgerThatCannotRecordADeliveryEndsThePollAndDeletesNothing) {
    policy.delete_after = 0s;
    add_some(3);
    sink.hold_answers();
    start_poll();
    loop.run_until_idle();
    ledger.fail_next_write({Errc::io, Retry::later, "disk full"});
    sink.release();
    const PollReport done = finish_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "disk full");
    EXPECT_EQ(source.count("remove"), 0U);
    EXPECT_EQ(source.count("settle"), 0U);
    EXPECT_EQ(sink.committed().size(), 1U) << "delivered on, with nobody to remember";
    EXPECT_EQ(source.mailbox.size(), 3U);
}

// I5: one delivery in doubt at most.

TEST_F(AccountPollTest, DeliversOneAfterTheOtherEachAfterTheLedgerHasWritten) {
    add_some(3);
    start_poll();
    sink.hold_answers();
    loop.run_until_idle();
    EXPECT_EQ(sink.tried().size(), 1U) << "begun before the destination has answered for m1";
    ledger.hold_answers();
    sink.release_one();
    loop.run_until_idle();
    EXPECT_EQ(sink.accepted("m1"), 1U);
    EXPECT_EQ(sink.tried().size(), 2U) << "prepared while the ledger writes";
    EXPECT_EQ(sink.committed().size(), 1U) << "the next one went out before m1 was recorded";
    ledger.release();
    loop.run_until_idle();
    EXPECT_EQ(sink.committed().size(), 2U);
    EXPECT_EQ(sink.tried().size(), 2U);
    sink.release();
    finish_poll();
    EXPECT_EQ(sink.most_under_way(), 1U);
}

TEST_F(AccountPollTest, MessagesWithoutUidAreLeftAloneWhereMailIsKept) {
    policy.delete_after = 1s;
    source.add("", test::plain_mail("nameless"));
    add("m1");
    const PollReport done = good_poll();
    EXPECT_EQ(done.without_uid, 1U);
    EXPECT_EQ(sink.tried(), std::vector<std::string>{"m1"});
    EXPECT_TRUE(source.holds(""));
}

// Age of deletion.

TEST_F(AccountPollTest, NeverDeletesUnlessToldTo) {
    add("m1");
    good_poll();
    loop.advance(24h * 365 * 20);
    good_poll();
    EXPECT_EQ(source.count("remove"), 0U);
}

TEST_F(AccountPollTest, DeletesOnTheFirstPollAtTheAgeAndNotBefore) {
    policy.delete_after = 24h * 14;
    add("m1");
    good_poll();
    const WallTime delivered = *record("m1")->delivered_at;
    loop.set_wall_time(delivered + 24h * 14 - 1ms);
    good_poll();
    EXPECT_TRUE(source.holds("m1"));
    loop.set_wall_time(delivered + 24h * 14);
    EXPECT_EQ(good_poll().removed, 1U);
    EXPECT_FALSE(source.holds("m1"));
}

TEST_F(AccountPollTest, AClockSetBackOnlyMakesDeletionLater) {
    policy.delete_after = 24h;
    add("m1");
    good_poll();
    loop.set_wall_time(loop.wall_now() - 24h * 3650);
    good_poll();
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(AccountPollTest, DeletesAtOnceWhateverTheClockSays) {
    add("m1");
    good_poll();
    loop.set_wall_time(loop.wall_now() - 24h * 3650);
    policy.delete_after = 0s;
    EXPECT_EQ(good_poll().removed, 1U);
}

class WindDownTest : public PollTest {
  protected:
    WindDownTest() {
        sink.hold_answers();
        policy.delete_after = 0s;
    }
    void run_until_delivering() {
        ASSERT_TRUE(loop.run_until([this] { return sink.under_way() > 0; }, 1min));
    }
};

//
TEST_F(WindDownTest, AwaitsTheAnswerToWhatIsBeingDeliveredAndSettlesIt) {
    for (int i = 1; i <= 5; ++i) {
        const std::string uid = "m" + std::to_string(i);
        source.mailbox.push_back({uid, test::plain_mail(uid, 200), kInFlight / 2});
    }
    start_poll();
    run_until_delivering();
    EXPECT_TRUE(account_poll->wind_down());
    loop.run_until_idle();
    EXPECT_FALSE(report);
    sink.release();
    const PollReport done = finish_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->code, Errc::busy);
    EXPECT_GE(done.delivered, 1U);
    EXPECT_LE(done.delivered, 3U) << "no more than was asked for";
    EXPECT_EQ(source.mailbox.size(), 5U - done.delivered) << "what was delivered is deleted";
    EXPECT_EQ(source.count("settle"), 1U);
}

TEST_F(WindDownTest, OfAPollThatHasAskedForEverythingChangesNothing) {
    add_some(2);
    start_poll();
    run_until_delivering();
    EXPECT_TRUE(account_poll->wind_down());
    sink.release();
    const PollReport done = finish_poll();
    EXPECT_FALSE(done.error);
    EXPECT_EQ(done.delivered, 2U);
}

TEST_F(WindDownTest, BeforeTheListingThereIsNothingToWaitFor) {
    add_some(2);
    start_poll();
    EXPECT_FALSE(account_poll->wind_down());
    account_poll.reset();
    loop.run_until_idle();
    EXPECT_EQ(sink.tried().size(), 0U);
}

TEST_F(WindDownTest, NoOtherSessionFollows) {
    policy.commit_every.messages = 1;
    add_some(3);
    start_poll();
    run_until_delivering();
    EXPECT_TRUE(account_poll->wind_down());
    sink.release();
    EXPECT_EQ(finish_poll().sessions, 1U);
}

}  // namespace
}  // namespace postrider::engine
