// Polls under policies of retention and selection, against servers that consume, window their
// listing, have no UIDs or have quirks.
#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

class RetentionPollTest : public PollTest {
  protected:
    /// Adds a message that the server received on that day.
    void add_received(const std::string& uid, const std::string& day) {
        source.add(uid, "Received: from a by b; " + day + " 12:00:00 +0000\r\nSubject: " + uid +
                            "\r\n\r\nbody\r\n");
    }
};

// R-007
TEST_F(RetentionPollTest, CommitsWithQuitAndLogsInAgain) {
    policy.commit_every.messages = 2;
    policy.delete_after = 0s;
    add_some(5);
    const PollReport done = good_poll();
    EXPECT_EQ(done.sessions, 3U);
    EXPECT_EQ(done.delivered, 5U);
    EXPECT_EQ(done.removed, 5U);
    EXPECT_EQ(done.to_fetch, 5U);
    EXPECT_EQ(source.count("settle"), 3U);
    EXPECT_TRUE(source.mailbox.empty());
    EXPECT_EQ(sink.accepted().size(), 5U);
}

TEST_F(RetentionPollTest, CommitsBySize) {
    policy.commit_every.octets = 1000;
    for (const char* const uid : {"a", "b", "c"}) {
        add(uid, 900);
    }
    EXPECT_EQ(good_poll().sessions, 2U);
    EXPECT_EQ(sink.accepted().size(), 3U);
}

// P-026: a login that the server does not allow yet is worse than a long session.
TEST_F(RetentionPollTest, DoesNotCommitBeforeTheServerAllowsTheNextLogin) {
    policy.commit_every.messages = 1;
    source.capabilities.min_login_interval = 300s;
    add_some(3);
    const PollReport done = good_poll();
    EXPECT_EQ(done.sessions, 1U);
    EXPECT_EQ(done.delivered, 3U);
    EXPECT_EQ(done.min_interval, 300s);
}

// Q-003
TEST_F(RetentionPollTest, AServerThatWindowsItsListingIsPolledUntilItIsEmpty) {
    source.capabilities.consumes_on_settle = true;
    source.window = 2;
    add_some(5);
    const PollReport done = good_poll();
    EXPECT_EQ(done.delivered, 5U);
    EXPECT_EQ(done.sessions, 4U) << "the last finds nothing";
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(RetentionPollTest, WhenThereMayBeMoreButNoLoginYetItSaysWhen) {
    source.capabilities.consumes_on_settle = true;
    source.capabilities.min_login_interval = 300s;
    source.window = 2;
    add_some(5);
    const PollReport done = good_poll();
    EXPECT_EQ(done.sessions, 1U);
    EXPECT_EQ(done.delivered, 2U);
    ASSERT_TRUE(done.more_after);
    EXPECT_LE(*done.more_after, 300s);
    EXPECT_GT(*done.more_after, 290s);
}

// P-026
TEST_F(RetentionPollTest, HowLongTheNextLoginMustWaitIsToldOfARefusedOneToo) {
    source.capabilities.min_login_interval = 300s;
    source.fails_at = 0;
    source.fails_with = {Errc::busy, Retry::later, "[LOGIN-DELAY] too soon"};
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.min_interval, Duration(300s));
}

TEST_F(RetentionPollTest, TheLimitOfAPollHoldsForAllOfItsSessions) {
    policy.max_messages_per_poll = 3;
    policy.commit_every.messages = 2;
    add_some(5);
    const PollReport done = good_poll();
    EXPECT_EQ(done.delivered, 3U);
    EXPECT_EQ(good_poll().delivered, 2U);
    EXPECT_EQ(sink.accepted().size(), 5U);
}

TEST_F(RetentionPollTest, TheFirstPollAsksForDatesOnlyIfItsPolicyNeedsThem) {
    policy.initial = {Initial::Kind::since, 0,
                      WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 20))};
    add_received("old", "19 Nov 2026");
    add_received("new", "20 Nov 2026");
    const PollReport done = good_poll();
    EXPECT_EQ(source.count("head"), 2U);
    EXPECT_EQ(sink.tried(), std::vector<std::string>{"new"});
    EXPECT_EQ(done.skipped, 1U);
    EXPECT_EQ(phase("old"), store::Phase::skipped);
    add_received("older but later", "1 Jan 2000");
    good_poll();
    EXPECT_EQ(source.count("head"), 2U);
    EXPECT_EQ(sink.tried().back(), "older but later");
}

TEST_F(RetentionPollTest, WithoutTopAPolicyByDateIsRefusedAndTheAccountStaysUnknown) {
    policy.initial.kind = Initial::Kind::since;
    source.capabilities.has_heads = false;
    add("a");
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->code, Errc::unsupported);
    EXPECT_FALSE(ledger.is_known("alice"));
    EXPECT_EQ(source.count("fetch"), 0U);
}

// S-026
TEST_F(RetentionPollTest, SkippedMailThatItsServerWritesIntoStaysSkipped) {
    policy.initial.kind = Initial::Kind::none;
    add("old");
    add("other");
    good_poll();
    EXPECT_EQ(phase("old"), store::Phase::skipped);
    source.mailbox[0].octets.insert(0, "Status: O\r\nX-UIDL: abcdef\r\n");
    source.mailbox[1].octets = test::plain_mail("another", 220);
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(source.count("head"), 2U);
    EXPECT_EQ(sink.tried(), std::vector<std::string>{"another"});
    EXPECT_EQ(phase("old"), store::Phase::skipped);
    good_poll();
    EXPECT_EQ(source.count("head"), 2U);
    // Without TOP nothing tells it from other mail: rather twice than never.
    source.capabilities.has_heads = false;
    source.mailbox[0].octets.insert(7, "R");
    EXPECT_EQ(good_poll().delivered, 1U);
}

// P-034

TEST_F(RetentionPollTest, WithoutUidsMailCannotBeKept) {
    source.has_uids = false;
    add("a");
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->code, Errc::unsupported);
    EXPECT_EQ(source.count("fetch"), 0U);
}

class NoUidTest : public RetentionPollTest {
  protected:
    NoUidTest() {
        source.has_uids = false;
        policy.delete_after = 0s;
        // The fixture looks for the record of the UID; here it is that of the content.
        source.on_remove = [this](const source::RemoteMessage& remote) {
            removals.push_back(remote.number);
        };
    }
    std::vector<std::uint32_t> removals;
};

TEST_F(NoUidTest, WhatIsDeletedAtOnceNeedsNoUid) {
    add_some(3);
    const PollReport done = good_poll();
    EXPECT_EQ(done.delivered, 3U);
    EXPECT_EQ(done.removed, 3U);
    EXPECT_TRUE(source.mailbox.empty());
    good_poll();
    EXPECT_EQ(sink.accepted().size(), 3U);
}

// I4: the next session fetches again and knows the content.
TEST_F(NoUidTest, AFailedQuitMakesNoDuplicates) {
    add_some(3);
    source.quit = test::FakeQuit::refused_none_deleted;
    EXPECT_TRUE(poll().error);
    EXPECT_EQ(source.mailbox.size(), 3U);
    source.quit = test::FakeQuit::good;
    const PollReport again = good_poll();
    EXPECT_EQ(again.delivered, 0U);
    EXPECT_EQ(again.removed, 3U);
    EXPECT_EQ(sink.accepted().size(), 3U);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(NoUidTest, EqualMessagesAreDeliveredAsOftenAsTheyAreThere) {
    source.add("x", test::plain_mail("twin", 200));
    source.add("y", test::plain_mail("twin", 200));
    source.quit = test::FakeQuit::refused_first_deleted;
    EXPECT_EQ(poll().delivered, 2U);
    EXPECT_EQ(source.mailbox.size(), 1U);
    source.quit = test::FakeQuit::good;
    EXPECT_EQ(good_poll().delivered, 0U);
    EXPECT_EQ(sink.accepted().size(), 2U);
}

// Or a server that may consume would be asked for more again and again.
TEST_F(NoUidTest, AHeldMessageIsHeldOnce) {
    add("m1");
    sink.answer("m1", test::refused(550));
    EXPECT_EQ(good_poll().held, 1U);
    EXPECT_EQ(good_poll().held, 0U);
    EXPECT_EQ(held.copies().size(), 1U);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(NoUidTest, WhatIsTooLargeIsLeftAlone) {
    policy.max_message_size = 100;
    policy.oversize = Oversize::hold;
    add("large", 200);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(good_poll().oversize, 1U);
    }
    EXPECT_TRUE(source.holds("large"));
}

// It is fetched at every poll: where it came first, nothing else would ever be.
TEST_F(NoUidTest, AHeldMessageIsNotInTheWayOfOthers) {
    policy.commit_every.messages = 1;
    policy.max_messages_per_poll = 1;
    add_some(3);
    sink.answer("m1", test::refused(550));
    const PollReport done = good_poll();
    EXPECT_EQ(done.delivered, 2U);
    EXPECT_EQ(done.sessions, 1U);
    EXPECT_EQ(source.mailbox.size(), 1U);
}

TEST_F(NoUidTest, WhatCouldNotBeDeliveredIsNotDeleted) {
    add_some(2);
    sink.answer("m2", test::put_off());
    const PollReport done = poll();
    EXPECT_EQ(done.delivered, 1U);
    EXPECT_EQ(removals, std::vector<std::uint32_t>{1});
}

// I9: a server that had UIDs and has none now.
TEST_F(NoUidTest, AServerThatLosesItsUidsIsLeftAlone) {
    source.has_uids = true;
    policy.delete_after.reset();
    add_some(2);
    good_poll();
    source.has_uids = false;
    policy.delete_after = 0s;
    source.forget_calls();
    const PollReport done = poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->code, Errc::doubt);
    EXPECT_EQ(source.count("fetch"), 0U);
}

// Q-002

TEST_F(RetentionPollTest, WhatASessionLearnsOfItsServerIsGivenToTheNext) {
    source.learns.no_capa = true;
    good_poll();
    EXPECT_FALSE(source.given.no_capa);
    good_poll();
    EXPECT_TRUE(source.given.no_capa);
    EXPECT_EQ(ledger.state("alice").quirks.count("no-capa"), 1U);
}

TEST_F(RetentionPollTest, ALostSessionTeachesToo) {
    add_some(2);
    good_poll();
    source.learns.no_pipelining = true;
    add("new");
    source.fails_at = 1;
    EXPECT_TRUE(poll().error);
    source.fails_at.reset();
    good_poll();
    EXPECT_TRUE(source.given.no_pipelining);
}

// The initial policy is for the first listing, whatever failed before.
TEST_F(RetentionPollTest, ALostSessionDoesNotMakeANewAccountKnown) {
    policy.initial.kind = Initial::Kind::none;
    source.learns.no_pipelining = true;
    source.fails_at = 0;
    EXPECT_TRUE(poll().error);
    EXPECT_FALSE(ledger.is_known("alice"));
    source.fails_at.reset();
    add("old");
    EXPECT_EQ(good_poll().skipped, 1U);
    EXPECT_TRUE(sink.accepted().empty());
}

}  // namespace
}  // namespace postrider::engine
