#include "app/daemon/roster.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "unit/app/roster_fixture.h"

namespace postrider::app {
namespace {

using ::testing::ElementsAre;

TEST_F(RosterTest, PollsItsAccountsAgainAndAgain) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    EXPECT_EQ(apply({account("a"), account("b")}).added, 2U);
    loop.advance(10s);
    EXPECT_EQ(tally("a").delivered, 1U);
    EXPECT_EQ(tally("b").polls, 1U);
    EXPECT_TRUE(tally("a").last_success);
    mailbox("a").add("2", test::plain_mail("2", 200));
    loop.advance(6min);
    EXPECT_EQ(tally("a").delivered, 2U);
    EXPECT_EQ(tally("a").polls, 2U);
    EXPECT_EQ(ended, 4U);
}

TEST_F(RosterTest, OnlyAccountsThatDifferAreTouched) {
    apply({account("a"), account("b"), account("c")});
    loop.advance(10s);
    config::AccountConfig changed = account("b");
    changed.poll_every = 1h;
    config::AccountConfig moved = account("a");
    moved.place.line = 99;
    const Roster::Applied applied = apply({moved, changed, account("d")});
    EXPECT_EQ(applied.added, 1U);
    EXPECT_EQ(applied.changed, 1U);
    EXPECT_EQ(applied.removed, 1U);
    loop.advance(10s);
    EXPECT_EQ(tally("a").polls, 1U);
    EXPECT_EQ(tally("b").polls, 2U);
    EXPECT_EQ(tally("d").polls, 1U);
    EXPECT_FALSE(roster.has("c"));
    loop.advance(24h);
    EXPECT_EQ(roster.members().size(), 3U);
}

// U-008
TEST_F(RosterTest, APollUnderWayEndsAsItBeganAndThenTheChangeCounts) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    fake_sink->hold_answers();
    apply({account("a")});
    loop.advance(10s);
    ASSERT_EQ(state("a"), State::running);
    config::AccountConfig changed = account("a");
    changed.recipients = {*mail::Address::parse("other@localhost")};
    apply({changed});
    fake_sink->release();
    loop.advance(10s);
    mailbox("a").add("2", test::plain_mail("2", 200));
    roster.poll_now("a");
    loop.advance(10s);
    EXPECT_EQ(fake_sink->accepted("1", "a@localhost"), 1U);
    EXPECT_EQ(fake_sink->accepted("2", "other@localhost"), 1U);
    EXPECT_EQ(fake_sink->accepted("2", "a@localhost"), 0U);
}

TEST_F(RosterTest, AnAccountRemovedInMidPollDeliversWhatIsUnderWayAndGoes) {
    for (const char* const uid : {"1", "2", "3"}) {
        mailbox("a").mailbox.push_back({uid, test::plain_mail(uid, 200), engine::kInFlight});
    }
    fake_sink->hold_answers();
    apply({account("a")});
    loop.advance(10s);
    ASSERT_EQ(fake_sink->under_way(), 1U);
    EXPECT_EQ(apply({}).removed, 1U);
    EXPECT_FALSE(roster.has("a"));
    EXPECT_EQ(roster.members().size(), 1U) << "it is still delivering";
    fake_sink->release();
    loop.advance(10s);
    EXPECT_EQ(roster.members().size(), 0U);
    EXPECT_EQ(mailbox("a").count("settle"), 1U);
    EXPECT_EQ(ledger.record("a", {"1", 0})->phase, store::Phase::delivered);
    EXPECT_FALSE(ledger.record("a", {"3", 0}) &&
                 ledger.record("a", {"3", 0})->phase == store::Phase::delivered);
}

TEST_F(RosterTest, AnAccountThatComesBackBeforeItIsGoneStays) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    fake_sink->hold_answers();
    apply({account("a")});
    loop.advance(10s);
    apply({});
    EXPECT_EQ(apply({account("a")}).added, 1U);
    fake_sink->release();
    loop.advance(10min);
    EXPECT_TRUE(roster.has("a"));
    EXPECT_GE(tally("a").polls, 2U);
}

TEST_F(RosterTest, WindDownAwaitsWhatIsInDoubtAndNothingElse) {
    for (const char* const uid : {"1", "2", "3"}) {
        mailbox("a").mailbox.push_back({uid, test::plain_mail(uid, 200), engine::kInFlight});
    }
    fake_sink->hold_answers();
    apply({account("a"), account("b")});
    loop.advance(10s);
    roster.poll_now("b");
    roster.wind_down();
    EXPECT_EQ(roster.polling(), 1U);
    fake_sink->release();
    loop.advance(1s);
    EXPECT_EQ(roster.polling(), 0U);
    EXPECT_LT(fake_sink->accepted().size(), 3U);
    EXPECT_GE(fake_sink->accepted().size(), 1U);
    loop.advance(24h);
    EXPECT_EQ(tally("a").polls, 1U) << "nothing starts any more";
}

TEST_F(RosterTest, WhatIsHeldBackIsNotPolledAndAPollUnderWayIsMadeGood) {
    for (const char* const uid : {"1", "2", "3"}) {
        mailbox("a").mailbox.push_back({uid, test::plain_mail(uid, 200), engine::kInFlight});
    }
    fake_sink->hold_answers();
    apply({account("a"), account("b")});
    loop.advance(10s);
    ASSERT_EQ(state("a"), State::running);
    bool is_free = false;
    auto hold = roster.hold_back("a", [&] { is_free = true; });
    loop.advance(1s);
    EXPECT_FALSE(is_free) << "something is being delivered";
    fake_sink->release();
    loop.advance(1s);
    EXPECT_TRUE(is_free);
    EXPECT_LT(fake_sink->accepted().size(), 3U);
    roster.poll_all_now();
    loop.advance(1h);
    EXPECT_EQ(tally("a").polls, 1U);
    EXPECT_GT(tally("b").polls, 2U) << "nobody else is touched";
    hold.reset();
    loop.advance(1s);
    EXPECT_EQ(tally("a").delivered, 3U);
    EXPECT_EQ(tally("a").failed, 0U);
    EXPECT_FALSE(tally("a").trouble);
}

TEST_F(RosterTest, APollThatHasNotBegunToFetchIsDroppedForAHoldAndMadeGood) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    apply({account("a")});
    ASSERT_TRUE(loop.run_until([this] { return state("a") == State::running; }));
    bool is_free = false;
    auto hold = roster.hold_back("a", [&] { is_free = true; });
    EXPECT_FALSE(is_free) << "never from inside a call";
    loop.advance(1s);
    EXPECT_TRUE(is_free);
    EXPECT_EQ(tally("a").polls, 0U);
    hold.reset();
    loop.advance(1s);
    EXPECT_EQ(tally("a").delivered, 1U);
    EXPECT_EQ(tally("a").failed, 0U);
}

TEST_F(RosterTest, WhatIsHeldBackMayGoComeAndChange) {
    apply({account("a"), account("b")});
    loop.advance(10s);
    std::size_t frees = 0;
    auto hold = roster.hold_back("a", [&] { ++frees; });
    apply({account("b")});
    apply({account("a"), account("b")});
    config::AccountConfig changed = account("a");
    changed.poll_every = 1s;
    apply({changed, account("b")});
    loop.advance(1h);
    EXPECT_EQ(frees, 1U);
    EXPECT_EQ(tally("a").polls, 0U);
    hold.reset();
    loop.advance(10s);
    EXPECT_GE(tally("a").polls, 5U);
    hold = roster.hold_back("nobody", [&] { ++frees; });
    hold.reset();
    loop.advance(1s);
    EXPECT_EQ(frees, 1U) << "who has let go is told nothing";
}

TEST_F(RosterTest, APauseOutlivesTheAccountAndTheRoster) {
    roster.set_paused({"a", "c"});
    apply({account("a"), account("b")});
    loop.advance(10s);
    EXPECT_EQ(state("a"), State::paused);
    EXPECT_EQ(tally("b").polls, 1U);
    apply({account("b")});
    apply({account("a"), account("b"), account("c")});
    loop.advance(10s);
    EXPECT_EQ(tally("a").polls + tally("c").polls, 0U);
    roster.resume("a");
    roster.pause("b");
    EXPECT_EQ(roster.paused(), (std::set<std::string>{"b", "c"}));
    roster.resume_all();
    EXPECT_TRUE(roster.paused().empty());
    loop.advance(10s);
    EXPECT_EQ(tally("a").polls, 1U);
    EXPECT_EQ(tally("c").polls, 1U);
}

TEST_F(RosterTest, CutDropsEverything) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    fake_sink->hold_answers();
    apply({account("a")});
    loop.advance(10s);
    roster.cut();
    EXPECT_EQ(roster.polling(), 0U);
    EXPECT_EQ(fake_sink->under_way(), 0U);
    EXPECT_EQ(mailbox("a").sessions(), 0U);
}

TEST_F(RosterTest, PauseResumeAndPollByName) {
    apply({account("a"), account("b")});
    roster.pause("a");
    loop.advance(1h);
    EXPECT_EQ(tally("a").polls, 0U);
    roster.poll_all_now();
    loop.advance(1s);
    EXPECT_EQ(tally("a").polls, 0U) << "paused is paused";
    roster.poll_now("a");
    loop.advance(1s);
    EXPECT_EQ(tally("a").polls, 1U);
    roster.resume("a");
    loop.advance(1s);
    EXPECT_EQ(tally("a").polls, 2U);
}

TEST_F(RosterTest, ALedgerThatHasFailedForGoodIsFatal) {
    ledger.fail_next_load({Errc::io, Retry::never, "fsync has failed"});
    apply({account("a")});
    loop.advance(10s);
    EXPECT_THAT(fatal, ElementsAre("fsync has failed"));
    EXPECT_EQ(ended, 1U) << "whoever waits for the last poll to end waits no more";
}

// U-008
TEST_F(RosterTest, WhoWaitsForAStoppedDestinationIsPolledSoonAfterAPersonHasLooked) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    outlet->destination.on_fault({Errc::config, Retry::never, "530 log in first"}, loop.now());
    apply({account("a"), account("b")});
    loop.advance(10s);
    EXPECT_EQ(tally("a").ending, engine::Ending::unfit);
    outlet->destination.reopen();
    roster.look_again();
    loop.advance(10s);
    EXPECT_EQ(tally("a").delivered, 1U);
}

// 500 accounts and a destination that is down for two hours.
TEST_F(RosterTest, AnOutageLogsNobodyInAndItsEndIsNoStampede) {
    constexpr std::size_t kAccounts = 500;
    std::vector<config::AccountConfig> all;
    for (std::size_t i = 0; i < kAccounts; ++i) {
        const std::string name = "account" + std::to_string(i);
        mailbox(name).add("1", test::plain_mail(name, 200));
        all.push_back(account(name));
    }
    const auto logins = [this] {
        std::size_t count = 0;
        for (const auto& [name, source] : sources) {
            count += source.count("open");
        }
        return count;
    };
    fake_sink->answer_probes(failure(Errc::network, Retry::later, "connection refused"));
    apply(all);
    loop.advance(2h);
    EXPECT_EQ(logins(), 0U);
    EXPECT_LT(fake_sink->probes(), 50U) << "one asks for all";

    fake_sink->answer_probes({});
    std::size_t most_in_a_second = 0;
    for (int second = 0; second < 20 * 60; ++second) {
        const std::size_t before = logins();
        loop.advance(1s);
        most_in_a_second = std::max(most_in_a_second, logins() - before);
    }
    EXPECT_EQ(fake_sink->accepted().size(), kAccounts);
    EXPECT_LT(most_in_a_second, kAccounts / 2) << "as many begin in a second as may run at once";
}

TEST_F(RosterTest, TwoAccountsOfOneMailboxAreNeverPolledAtOnce) {
    config::AccountConfig twin = account("twin");
    twin.host = "a.example";
    twin.user = "a";
    mailbox("a").add("1", test::plain_mail("1", 200));
    fake_sink->hold_answers();
    apply({account("a"), twin});
    loop.advance(10s);
    EXPECT_EQ(state("a"), State::running);
    EXPECT_EQ(state("twin"), State::due);
    fake_sink->release();
    loop.advance(1s);
    EXPECT_EQ(tally("twin").polls, 1U);
}

}  // namespace
}  // namespace postrider::app
