// One account, several destinations (S-017): each with its own verdicts and its own trouble.
#include "postrider/engine/route.h"

#include "engine/settled.h"
#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

using store::Phase;

class RouteTest : public PollTest {
  protected:
    RouteTest() { policy.delete_after = 0s; }

    PollReport poll_both() {
        report.reset();
        account_poll = std::make_unique<AccountPoll>(
            services, source, Route({&destination, &archive_destination}), policy);
        account_poll->start([](const PollReport&) {},
                            [this](PollReport done) {
                                report = std::move(done);
                                loop.defer_delete(std::move(account_poll));
                            });
        return finish_poll();
    }
    static Error down() { return {Errc::network, Retry::later, "connection refused"}; }

    test::FakeSink archive{loop};
    Destination archive_destination{"archive", archive, 2};
};

TEST_F(RouteTest, EachDestinationGetsEveryMessageAndThenItIsDeleted) {
    add_some(3);
    EXPECT_EQ(poll_both().delivered, 3U);
    EXPECT_EQ(sink.accepted().size(), 3U);
    EXPECT_EQ(archive.accepted().size(), 3U);
    EXPECT_TRUE(source.mailbox.empty());
    EXPECT_EQ(sink.accepted().front().octets, archive.accepted().front().octets);
}

TEST_F(RouteTest, OnlyWhatIsMissingIsRetriedAndNothingIsDeletedBefore) {
    policy.recipients = {address("alice@localhost"), address("bob@localhost")};
    add("m1");
    archive.answer("m1", test::put_off(), "bob@localhost");
    const PollReport first = poll_both();
    EXPECT_EQ(first.put_off, 1U);
    EXPECT_EQ(first.last_trouble, "archive: bob@localhost: 451 4.3.0 try again");
    EXPECT_TRUE(source.holds("m1"));
    archive.clear_script();
    EXPECT_EQ(poll_both().delivered, 1U);
    EXPECT_EQ(sink.tried().size(), 1U) << "the other has it";
    EXPECT_EQ(archive.accepted("m1", "alice@localhost"), 1U);
    EXPECT_EQ(archive.accepted("m1", "bob@localhost"), 1U);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(RouteTest, ADestinationThatIsDownKeepsNothingFromTheOther) {
    add_some(3);
    archive.answer_probes(failure(down()));
    const PollReport first = poll_both();
    EXPECT_FALSE(first.error);
    EXPECT_EQ(first.put_off, 3U);
    EXPECT_EQ(sink.accepted().size(), 3U);
    EXPECT_TRUE(archive.tried().empty());
    EXPECT_EQ(source.mailbox.size(), 3U);
}

TEST_F(RouteTest, WhatNobodyTakesNowIsNotEvenFetched) {
    add_some(3);
    archive.answer_probes(failure(down()));
    EXPECT_EQ(poll_both().put_off, 3U);
    source.forget_calls();
    add("m4");
    const PollReport second = poll_both();
    EXPECT_EQ(second.put_off, 4U);
    EXPECT_EQ(source.count("fetch"), 1U) << "the others lack it in the archive alone";
    EXPECT_EQ(sink.accepted().size(), 4U);
    EXPECT_NE(second.last_trouble.find("connection refused"), std::string::npos);

    archive.clear_script();
    loop.advance(24h);
    EXPECT_EQ(poll_both().delivered, 4U);
    EXPECT_EQ(archive.accepted().size(), 4U);
    EXPECT_EQ(sink.accepted().size(), 4U);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(RouteTest, WhatIsNotEvenFetchedDoesNotEndTheSessionByItsNumber) {
    add_some(3);
    archive.answer_probes(failure(down()));
    EXPECT_EQ(poll_both().put_off, 3U);
    policy.commit_every.messages = 2;
    add("m4");
    const PollReport second = poll_both();
    EXPECT_EQ(second.sessions, 1U);
    EXPECT_EQ(sink.accepted().size(), 4U);
}

TEST_F(RouteTest, NobodyLogsInWhileAllAreDown) {
    add("m1");
    sink.answer_probes(failure(down()));
    archive.answer_probes(failure(down()));
    const PollReport done = poll_both();
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.sessions, 0U);
}

TEST_F(RouteTest, FromAConsumingServerOnlyWhatAllCanTakeIsFetched) {
    source.capabilities.consumes_on_settle = true;
    add("m1");
    archive.answer_probes(failure(down()));
    EXPECT_EQ(poll_both().put_off, 1U);
    EXPECT_EQ(source.count("fetch"), 0U);
    EXPECT_TRUE(sink.tried().empty());
}

TEST_F(RouteTest, ADestinationThatFailsInTheMidstLeavesTheOthersTheirMail) {
    add_some(4);
    archive.answer("m2", {sink::Outcome::later, 0, "", "refused"});
    archive.fault_at("m2", down());
    EXPECT_FALSE(poll_both().error);
    EXPECT_EQ(sink.accepted().size(), 4U);
    EXPECT_EQ(archive.accepted().size(), 1U);
    EXPECT_EQ(phase("m1"), Phase::delivered);
    EXPECT_EQ(phase("m3"), Phase::seen);
    archive.clear_script();
    loop.advance(24h);
    poll_both();
    EXPECT_EQ(archive.accepted().size(), 4U);
    EXPECT_EQ(sink.accepted().size(), 4U);
    EXPECT_TRUE(source.mailbox.empty());
}

TEST_F(RouteTest, WhatOneRefusesIsHeldForThatOneAndNeverDeleted) {
    add("m1");
    archive.answer("m1", test::refused(550));
    const PollReport done = poll_both();
    EXPECT_EQ(done.held, 1U);
    EXPECT_EQ(sink.accepted("m1"), 1U);
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_EQ(held.copies().front().what.destination, "archive");
    EXPECT_TRUE(source.holds("m1"));
    poll_both();
    EXPECT_EQ(sink.tried().size() + archive.tried().size(), 2U);
}

TEST_F(RouteTest, BothMayRefuseAndBothAreHeld) {
    add("m1");
    sink.answer("m1", test::refused(550));
    archive.answer("m1", test::refused(554));
    EXPECT_EQ(poll_both().held, 1U);
    EXPECT_EQ(phase("m1"), Phase::held);
    ASSERT_EQ(held.copies().size(), 2U);
    EXPECT_EQ(held.copies().front().what.destination, "local");
    EXPECT_EQ(held.copies().front().what.reason, "alice@localhost: 550 5.7.1 no");
    EXPECT_EQ(held.copies().back().what.destination, "archive");
}

// How the ledger has it.

TEST(Settled, OneDestinationMayChangeItsName) {
    test::SimLoop loop;
    test::FakeSink sink(loop);
    Destination before("local", sink, 1);
    Destination after("mx", sink, 1);
    std::vector<std::string> names;
    Settled(names, before).add(before, address("alice@localhost"));
    EXPECT_EQ(names, std::vector<std::string>{"alice@localhost"});
    EXPECT_TRUE(Settled(names, after).has(after, address("alice@localhost")));
}

TEST(Settled, SeveralDestinationsAreKeptApart) {
    test::SimLoop loop;
    test::FakeSink sink(loop);
    Destination local("local", sink, 1);
    Destination archive("archive", sink, 1);
    const Route both({&local, &archive});
    const mail::Address alice = address("alice@localhost");
    std::vector<std::string> names;
    Settled settled(names, both);
    settled.add(archive, alice);
    EXPECT_TRUE(settled.has(archive, alice));
    EXPECT_FALSE(settled.has(local, alice));
    EXPECT_FALSE(settled.has(archive, address("bob@localhost")));
    EXPECT_FALSE(settled.has_all(archive));
    settled.add_all(archive);
    settled.add_all(archive);
    EXPECT_EQ(names, (std::vector<std::string>{"archive alice@localhost", "archive "}));
    EXPECT_TRUE(waiting(settled, archive, {address("bob@localhost")}).empty());
    EXPECT_EQ(waiting(settled, local, {alice}), std::vector<mail::Address>{alice});
    // The account delivers to one of them only from now on.
    EXPECT_TRUE(Settled(names, archive).has(archive, alice));
    EXPECT_FALSE(Settled(names, local).has(local, alice));
}

TEST(Settled, WhatTheOnlyOneHadIsHadByTheFirstOfSeveral) {
    test::SimLoop loop;
    test::FakeSink sink(loop);
    Destination local("local", sink, 1);
    Destination archive("archive", sink, 1);
    std::vector<std::string> names = {"alice@localhost"};
    const Route both({&local, &archive});
    const Settled settled(names, both);
    EXPECT_TRUE(settled.has(local, address("alice@localhost")));
    EXPECT_FALSE(settled.has(archive, address("alice@localhost")));
}

//
TEST_F(RouteTest, ADoubtOutlivesTheAttemptAtAnotherDestination) {
    Destination cautious{"local", sink, 1, OnAmbiguous::hold};
    Destination cautious_archive{"archive", archive, 2, OnAmbiguous::hold};
    const auto start = [&] {
        report.reset();
        account_poll = std::make_unique<AccountPoll>(services, source,
                                                     Route({&cautious, &cautious_archive}), policy);
        account_poll->start([](const PollReport&) {},
                            [this](PollReport done) {
                                report = std::move(done);
                                loop.defer_delete(std::move(account_poll));
                            });
    };
    add("m1");
    sink.answer("m1", {sink::Outcome::ambiguous, 0, "", "no answer to the final dot"});
    archive.answer("m1", test::put_off());
    held.fail_next({Errc::io, Retry::later, "no room"});
    start();
    static_cast<void>(finish_poll());
    EXPECT_EQ(record("m1")->in_doubt, std::vector<std::string>{"local"});

    archive.clear_script();
    archive.hold_answers();
    loop.advance(24h);
    start();
    loop.run_until([this] { return archive.committed().size() == 2; }, 1min);
    EXPECT_EQ(ledger.durable_record("alice", {"m1", 0})->in_doubt,
              (std::vector<std::string>{"local", "archive"}));
    archive.release();
    EXPECT_EQ(finish_poll().held, 1U);
    EXPECT_EQ(sink.tried().size(), 1U) << "it may have been taken";
}

}  // namespace
}  // namespace postrider::engine
