// What becomes of refused mail as the account wishes (S-016, S-012), and of mail of which nobody
// knows whether it was taken.
#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

using store::Phase;

class RefusalTest : public PollTest {
  protected:
    RefusalTest() { policy.delete_after = 0s; }

    /// Polls with a destination for bounces.
    PollReport bouncing_poll() {
        report.reset();
        account_poll = std::make_unique<AccountPoll>(
            services, source, Route({&destination}, &mta_destination), policy);
        account_poll->start([](const PollReport&) {},
                            [this](PollReport done) {
                                report = std::move(done);
                                loop.defer_delete(std::move(account_poll));
                            });
        PollReport done = finish_poll();
        EXPECT_FALSE(done.error) << done.error->text;
        return done;
    }
    void add_from(const std::string& uid, const std::string& sender,
                  const std::string& field = "") {
        source.add(uid, "Return-Path: <" + sender + ">\r\n" + field + "Subject: " + uid +
                            "\r\n\r\nsecret body\r\n");
    }

    test::FakeSink mta{loop};
    Destination mta_destination{"mta", mta, 2};
};

TEST_F(RefusalTest, DiscardedIsAsGoodAsDelivered) {
    policy.refused.otherwise = Refusal::discard;
    add("m1");
    sink.answer("m1", test::refused(550));
    const PollReport done = good_poll();
    EXPECT_EQ(done.discarded, 1U);
    EXPECT_EQ(done.held, 0U);
    EXPECT_EQ(record("m1")->note, "discarded: 550 5.7.1 no");
    EXPECT_TRUE(held.copies().empty());
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(RefusalTest, WhatBecomesOfItMayDependOnTheCode) {
    policy.refused.by_code = {{"5.7.1", Refusal::discard}, {"551", Refusal::discard}};
    add("spam");
    add("code");
    add("other");
    sink.answer("spam", test::refused(550, "5.7.1"));
    sink.answer("code", test::refused(551, "5.1.6"));
    sink.answer("other", test::refused(550, "5.1.1"));
    const PollReport done = good_poll();
    EXPECT_EQ(done.discarded, 2U);
    EXPECT_EQ(done.held, 1U);
    EXPECT_EQ(phase("other"), Phase::held);
}

TEST_F(RefusalTest, TheEnhancedCodeIsLookedForFirst) {
    policy.refused.by_code = {{"550", Refusal::discard}, {"5.1.1", Refusal::hold}};
    add("m1");
    sink.answer("m1", test::refused(550, "5.1.1"));
    EXPECT_EQ(good_poll().held, 1U);
}

TEST_F(RefusalTest, AFullMailboxIsWaitedForWhateverBecomesOfItThen) {
    policy.refused.otherwise = Refusal::discard;
    add("m1");
    sink.answer("m1", test::refused(552, "5.2.2"));
    EXPECT_EQ(good_poll().put_off, 1U);
    loop.advance(72h);
    EXPECT_EQ(good_poll().discarded, 1U);
}

TEST_F(RefusalTest, AMisconfiguredDestinationDiscardsNothing) {
    policy.refused.otherwise = Refusal::discard;
    add("m1");
    sink.answer("m1", test::refused(530, "5.7.0"));
    sink.fault_at("m1", {Errc::refused, Retry::never, "530 TLS first"});
    EXPECT_TRUE(poll().error);
    EXPECT_TRUE(source.holds("m1"));
    EXPECT_FALSE(record("m1")) << "it says nothing of the message";
}

TEST_F(RefusalTest, ForeseenRefusalsSayNothingOfTheDestination) {
    policy.refused.by_code = {{"5.7.1", Refusal::discard}};
    add_some(static_cast<int>(kRefusalsInRow) + 1);
    sink.answer("", test::refused(550, "5.7.1"));
    EXPECT_EQ(good_poll().discarded, kRefusalsInRow + 1);
    EXPECT_FALSE(destination.closed(loop.now()));
}

TEST_F(RefusalTest, ABounceGoesToTheSenderWithTheNullSender) {
    policy.refused.otherwise = Refusal::bounce;
    policy.recipients = {address("alice@localhost"), address("bob@localhost")};
    add_from("m1", "ann@example.net");
    sink.answer("m1", test::refused(550, "5.1.1"));
    const PollReport done = bouncing_poll();
    EXPECT_EQ(done.bounced, 1U);
    ASSERT_EQ(mta.accepted().size(), 1U) << "one for both recipients";
    const test::FakeSink::Accepted& bounce = mta.accepted().front();
    EXPECT_EQ(bounce.recipient, "ann@example.net");
    EXPECT_FALSE(bounce.sender) << "the null sender";
    EXPECT_NE(bounce.octets.find("Final-Recipient: rfc822; alice@localhost\r\n"),
              std::string::npos);
    EXPECT_NE(bounce.octets.find("Final-Recipient: rfc822; bob@localhost\r\n"), std::string::npos);
    EXPECT_NE(bounce.octets.find("Subject: m1\r\n"), std::string::npos);
    EXPECT_EQ(bounce.octets.find("secret body"), std::string::npos);
    EXPECT_TRUE(record("m1")->note.starts_with("bounced to the sender"));
    EXPECT_TRUE(held.copies().empty());
    EXPECT_TRUE(source.mailbox.empty());
}

// Never in reply to a bounce, a program or a list: then it is held.
TEST_F(RefusalTest, WhereNobodyMayBeToldItIsHeld) {
    policy.refused.otherwise = Refusal::bounce;
    add_from("m1", "");
    add_from("m2", "ann@example.net", "Auto-Submitted: auto-generated\r\n");
    add_from("m3", "ann@example.net", "List-Id: <a.example>\r\n");
    sink.answer("", test::refused(550, "5.1.1"));
    EXPECT_EQ(bouncing_poll().held, 3U);
    EXPECT_TRUE(mta.tried().empty());
    ASSERT_EQ(held.copies().size(), 3U);
    EXPECT_NE(held.copies().front().what.reason.find("not bounced: it has no sender"),
              std::string::npos);
    EXPECT_EQ(source.mailbox.size(), 3U);
}

TEST_F(RefusalTest, ABounceThatIsRefusedIsHeldAndOneThatIsPutOffIsTriedAgain) {
    policy.refused.otherwise = Refusal::bounce;
    add_from("m1", "ann@example.net");
    sink.answer("m1", test::refused(550, "5.1.1"));
    mta.answer("", test::put_off());
    EXPECT_EQ(bouncing_poll().put_off, 1U);
    EXPECT_FALSE(record("m1"));
    mta.answer("", test::refused(550, "5.1.1"));
    EXPECT_EQ(bouncing_poll().held, 1U);
    EXPECT_EQ(phase("m1"), Phase::held);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(RefusalTest, WithoutAWayForBouncesTheMessageWaits) {
    policy.refused.otherwise = Refusal::bounce;
    add_from("m1", "ann@example.net");
    sink.answer("m1", test::refused(550, "5.1.1"));
    mta_destination.on_fault({Errc::network, Retry::later, "connection refused"}, loop.now());
    EXPECT_EQ(bouncing_poll().put_off, 1U);
    EXPECT_TRUE(source.holds("m1"));
}

//
class AmbiguousTest : public RefusalTest {
  protected:
    /// A poll with a destination of `on_ambiguous: hold`.
    void start_cautious_poll() {
        report.reset();
        account_poll = std::make_unique<AccountPoll>(services, source, Route(cautious), policy);
        account_poll->start([](const PollReport&) {},
                            [this](PollReport done) {
                                report = std::move(done);
                                loop.defer_delete(std::move(account_poll));
                            });
    }
    PollReport cautious_poll() {
        start_cautious_poll();
        return finish_poll();
    }
    static sink::Verdict no_answer() {
        return {sink::Outcome::ambiguous, 0, "", "no answer to the final dot"};
    }

    Destination cautious{"local", sink, 1, OnAmbiguous::hold};
};

TEST_F(AmbiguousTest, WithoutAWishItIsDeliveredAgain) {
    add("m1");
    sink.answer("m1", no_answer());
    EXPECT_EQ(good_poll().put_off, 1U);
    sink.clear_script();
    EXPECT_EQ(good_poll().delivered, 1U);
}

TEST_F(AmbiguousTest, ItIsHeldIfThatIsWished) {
    add("m1");
    sink.answer("m1", no_answer());
    EXPECT_EQ(cautious_poll().held, 1U);
    EXPECT_EQ(phase("m1"), Phase::held);
    sink.clear_script();
    cautious_poll();
    EXPECT_EQ(sink.tried().size(), 1U);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(AmbiguousTest, NothingIsHandedOverBeforeTheIntentIsDurable) {
    add("m1");
    ledger.hold_answers();
    start_cautious_poll();
    for (int i = 0; i < 20 && sink.committed().empty(); ++i) {
        loop.run_until_idle();
        const auto durable = ledger.durable_record("alice", {"m1", 0});
        EXPECT_TRUE(sink.committed().empty() ||
                    (durable && durable->in_doubt == std::vector<std::string>{"local"}));
        if (ledger.held_answers() > 0) {
            ledger.release_one();
        }
    }
    loop.run_until_idle();
    EXPECT_EQ(sink.committed(), std::vector<std::string>{"m1"});
    ledger.release();
    EXPECT_EQ(finish_poll().delivered, 1U);
    EXPECT_TRUE(record("m1")->in_doubt.empty());
}

TEST_F(AmbiguousTest, WhatADeadProcessHadHandedOverIsHeldByTheNext) {
    add("m1");
    sink.hold_answers();
    start_cautious_poll();
    loop.run_until([this] { return !sink.committed().empty(); }, 1min);
    account_poll.reset();
    ledger.cut_power();
    loop.run_until_idle();
    sink.release();
    EXPECT_EQ(cautious_poll().held, 1U);
    EXPECT_EQ(sink.tried().size(), 1U) << "it may have been taken";
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_NE(held.copies().front().what.reason.find("not known"), std::string::npos);
    EXPECT_TRUE(record("m1")->in_doubt.empty());
}

TEST_F(AmbiguousTest, ItStaysInDoubtIfNoCopyOfItCanBeHeld) {
    add("m1");
    sink.answer("m1", no_answer());
    held.fail_next({Errc::io, Retry::later, "no room"});
    static_cast<void>(cautious_poll());
    EXPECT_EQ(record("m1")->in_doubt, std::vector<std::string>{"local"});
    sink.clear_script();
    EXPECT_EQ(cautious_poll().held, 1U);
    EXPECT_EQ(sink.tried().size(), 1U) << "it may have been taken";
    EXPECT_TRUE(record("m1")->in_doubt.empty());
}

TEST_F(AmbiguousTest, AnAnswerEndsTheDoubt) {
    add("m1");
    sink.answer("m1", test::put_off());
    EXPECT_EQ(cautious_poll().put_off, 1U);
    EXPECT_TRUE(record("m1")->in_doubt.empty());
    sink.clear_script();
    EXPECT_EQ(cautious_poll().delivered, 1U);
}

TEST_F(AmbiguousTest, AnIntentThatCannotBeWrittenHandsNothingOver) {
    add("m1");
    loop.run_until_idle();
    ledger.fail_next_sync({Errc::io, Retry::later, "disk full"});
    const PollReport done = cautious_poll();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->text, "disk full");
    EXPECT_TRUE(sink.committed().empty());
}

}  // namespace
}  // namespace postrider::engine
