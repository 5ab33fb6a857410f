#include "postrider/engine/plan.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;
using store::MessageRecord;
using store::Phase;

constexpr WallTime kNow{1'767'225'600s};

mail::Digest digest(std::uint8_t octet) {
    mail::Digest digest{};
    digest.fill(octet);
    return digest;
}

MessageRecord record(const std::string& uid, Phase phase, std::uint32_t occurrence = 0,
                     std::uint64_t size = 100) {
    MessageRecord record;
    record.key = {uid, occurrence};
    record.phase = phase;
    record.listed_size = size;
    record.first_seen = kNow - 24h * 30;
    if (phase != Phase::seen) {
        record.sha256 = digest(1);
        record.delivered_at = kNow - 1h;
    }
    return record;
}

class PlanTest : public ::testing::Test {
  protected:
    void list(const std::string& uid, std::uint64_t size = 100) {
        const auto equal = static_cast<std::uint32_t>(
            std::count_if(listing.messages.begin(), listing.messages.end(),
                          [&](const source::RemoteMessage& one) { return one.uid == uid; }));
        const auto number = static_cast<std::uint32_t>(listing.messages.size() + 1);
        listing.messages.push_back({number, uid, equal, size});
    }
    void list_nothing() { listing.messages.clear(); }
    void list_some(const std::string& prefix, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            list(prefix + std::to_string(i));
        }
    }
    void know(MessageRecord record) {
        known.known = true;
        known.messages.push_back(std::move(record));
    }
    void know_some(const std::string& prefix, std::size_t count, Phase phase) {
        for (std::size_t i = 0; i < count; ++i) {
            know(record(prefix + std::to_string(i), phase));
        }
    }

    [[nodiscard]] Plan plan() const { return engine::plan(listing, known, policy, now); }
    /// Plans, and records what the listing taught, as a poll does.
    Plan plan_and_record() {
        Plan made = plan();
        for (const store::Change& change : made.reconcile) {
            apply(change);
        }
        return made;
    }
    void apply(const store::Change& change) {
        const auto* const put = std::get_if<store::PutMessage>(&change);
        const store::MessageKey key =
            put != nullptr ? put->record.key : std::get<store::ForgetMessage>(change).key;
        std::erase_if(known.messages, [&](const MessageRecord& one) { return one.key == key; });
        if (put != nullptr) {
            known.messages.push_back(put->record);
        }
    }
    [[nodiscard]] std::vector<Job> removable() const {
        return engine::removable(listing, plan().records, {}, policy, now);
    }

    source::Listing listing;
    store::AccountRecords known;
    AccountPolicy policy;
    WallTime now = kNow;
};

TEST_F(PlanTest, FetchesWhatIsUnknownInTheOrderOfTheListing) {
    list("b");
    list("a");
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 2U);
    EXPECT_EQ(made.fetch[0].remote.uid, "b");
    EXPECT_EQ(made.fetch[0].record.first_seen, now);
    EXPECT_FALSE(made.fetch[0].verify);
    EXPECT_TRUE(made.reconcile.empty());
}

TEST_F(PlanTest, LeavesAloneWhatIsDeliveredDeletingOrHeld) {
    know(record("delivered", Phase::delivered));
    know(record("deleting", Phase::deleting));
    know(record("held", Phase::held));
    list("delivered");
    list("deleting");
    list("held");
    const Plan made = plan();
    EXPECT_TRUE(made.fetch.empty());
    EXPECT_EQ(made.kept, 2U);
    EXPECT_EQ(made.held, 1U);
}

TEST_F(PlanTest, CountsMessagesWithoutUidAndTouchesNoneWhereMailIsKept) {
    policy.delete_after = 1s;
    list("");
    list("");
    const Plan made = plan();
    EXPECT_EQ(made.without_uid, 2U);
    EXPECT_TRUE(made.fetch.empty());
    EXPECT_TRUE(removable().empty());
}

// Poison.

TEST_F(PlanTest, PoisonIsFetchedAgainOnceItsDayHasPassed) {
    MessageRecord poison = record("p", Phase::held);
    poison.retry_after = now + 24h;
    know(poison);
    list("p");
    EXPECT_EQ(plan().held, 1U);
    now += 24h - 1ms;
    EXPECT_TRUE(plan().fetch.empty());
    now += 1ms;
    EXPECT_EQ(plan().fetch.size(), 1U);
}

TEST_F(PlanTest, AClockSetBackDoesNotKeepPoisonOutForYears) {
    MessageRecord poison = record("p", Phase::held);
    poison.retry_after = now + 24h;
    know(poison);
    list("p");
    now -= 24h * 3650;
    EXPECT_EQ(plan().fetch.size(), 1U);
}

// A UID that comes back with another size.

TEST_F(PlanTest, AKnownUidOfAnotherSizeIsToldByItsContent) {
    know(record("m", Phase::delivered));
    list("m", 101);
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 1U);
    EXPECT_EQ(made.fetch.front().record.phase, Phase::seen);
    EXPECT_EQ(made.fetch.front().record.listed_size, 101U);
    ASSERT_TRUE(made.fetch.front().verify);
    EXPECT_EQ(made.fetch.front().verify->front().sha256, digest(1));
    ASSERT_EQ(made.reconcile.size(), 1U) << "until the content has spoken, its record fits no size";
    const MessageRecord mute = std::get<store::PutMessage>(made.reconcile.front()).record;
    EXPECT_GT(mute.listed_size, 1ULL << 62U);
    EXPECT_EQ(mute.phase, Phase::delivered);
    EXPECT_EQ(mute.sha256, digest(1));
}

TEST_F(PlanTest, AKnownUidOfAnotherSizeWithoutContentIsANewMessage) {
    know(record("m", Phase::seen));
    list("m", 101);
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 1U);
    EXPECT_FALSE(made.fetch.front().verify);
    EXPECT_EQ(made.reconcile.size(), 1U) << "the old record must not speak for it";
}

TEST_F(PlanTest, TheOldRecordCannotDeleteTheNewMessage) {
    policy.delete_after = 0s;
    know(record("m", Phase::delivered));
    list("m");
    EXPECT_EQ(removable().size(), 1U);
    list_nothing();
    list("m", 101);
    EXPECT_TRUE(removable().empty());
    plan_and_record();
    list_nothing();
    list("m", 100);  // and back: nothing of the old record is left, not even after a crash
    EXPECT_TRUE(removable().empty());
    EXPECT_EQ(plan().fetch.size(), 1U);
}

// I7: patient pruning.

TEST_F(PlanTest, ForgetsOnlyAfterTwoAbsencesADayApart) {
    know(record("m", Phase::delivered));
    plan_and_record();
    ASSERT_EQ(known.messages.size(), 1U);
    EXPECT_EQ(known.messages.front().absent_since, now);
    now += 24h - 1ms;
    plan_and_record();
    ASSERT_EQ(known.messages.size(), 1U);
    EXPECT_EQ(known.messages.front().absent_since, kNow) << "the first absence counts";
    now += 1ms;
    plan_and_record();
    EXPECT_TRUE(known.messages.empty());
}

TEST_F(PlanTest, ForgetsNothingBecauseOneListingWasEmpty) {
    know_some("m", 300, Phase::delivered);
    now += 24h * 365;  // however long ago the last poll was
    plan_and_record();
    EXPECT_EQ(known.messages.size(), 300U);
    list_some("m", 300);
    const Plan made = plan_and_record();
    EXPECT_FALSE(made.doubt);
    EXPECT_TRUE(made.fetch.empty());
    EXPECT_EQ(made.kept, 300U);
}

TEST_F(PlanTest, PresenceInBetweenStartsThePatienceAnew) {
    know(record("m", Phase::delivered));
    plan_and_record();
    now += 20h;
    list("m");
    plan_and_record();
    EXPECT_FALSE(known.messages.front().absent_since);
    list_nothing();
    now += 20h;
    plan_and_record();
    EXPECT_EQ(known.messages.size(), 1U);
}

TEST_F(PlanTest, AnAbsenceFromTheFutureCountsFromNow) {
    MessageRecord absent = record("m", Phase::delivered);
    absent.absent_since = now + 24h * 3650;
    know(absent);
    plan_and_record();
    EXPECT_EQ(known.messages.front().absent_since, now);
}

TEST_F(PlanTest, AnUnconfirmedDeletionIsForgottenPatiently) {
    know(record("m", Phase::deleting));
    plan_and_record();
    EXPECT_EQ(known.messages.size(), 1U);
}

TEST_F(PlanTest, AConfirmedDeletionThatReappearsIsVerifiedByContent) {
    policy.delete_after = 0s;
    know(record("m", Phase::gone));
    list("m");
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 1U);
    ASSERT_TRUE(made.fetch.front().verify);
    EXPECT_EQ(made.fetch.front().verify->front().sha256, digest(1));
    EXPECT_TRUE(removable().empty()) << "not before its content has spoken";
}

// I9: loud doubt.

//
TEST_F(PlanTest, DoubtsWhenTwoHundredKnownMessagesHaveNewNames) {
    know_some("old", 200, Phase::delivered);
    list_some("new", 200);
    const Plan made = plan();
    ASSERT_TRUE(made.doubt);
    EXPECT_EQ(made.doubt->code, Errc::doubt);
    EXPECT_EQ(made.doubt->retry, Retry::never);
}

TEST_F(PlanTest, DoesNotDoubtOverFewerThanTwoHundred) {
    know_some("old", 199, Phase::delivered);
    list_some("new", 199);
    EXPECT_FALSE(plan().doubt);
}

TEST_F(PlanTest, ATenthOfTheKnownOnesIsEnoughNotToDoubt) {
    know_some("old", 200, Phase::delivered);
    list_some("new", 180);
    list_some("old", 19);
    EXPECT_TRUE(plan().doubt);
    list("old19");
    EXPECT_FALSE(plan().doubt);
}

TEST_F(PlanTest, AMailboxThatWasEmptiedIsNoDoubt) {
    know_some("old", 200, Phase::delivered);
    list_some("new", 99);
    EXPECT_FALSE(plan().doubt) << "half as many new ones as there were known ones";
    list("new99");
    EXPECT_TRUE(plan().doubt);
}

TEST_F(PlanTest, OtherSizesUnderKnownNamesAreDoubtful) {
    know_some("m", 200, Phase::delivered);
    for (int i = 0; i < 200; ++i) {
        list("m" + std::to_string(i), i % 2 == 0 ? 99 : 613);
    }
    EXPECT_TRUE(plan().doubt);
}

// S-026: GNU mailutils writes X-UIDL, X-UID and Status into a mailbox that was read.
TEST_F(PlanTest, ALittleMoreUnderEveryKnownNameIsNoDoubt) {
    know_some("m", 200, Phase::delivered);
    for (int i = 0; i < 200; ++i) {
        list("m" + std::to_string(i), i % 2 == 0 ? 101 : 612);
    }
    const Plan made = plan();
    EXPECT_FALSE(made.doubt);
    EXPECT_EQ(made.fetch.size(), 200U);
    EXPECT_TRUE(std::all_of(made.fetch.begin(), made.fetch.end(),
                            [](const Job& job) { return job.verify.has_value(); }));
}

TEST_F(PlanTest, APersonMayAcceptNewUids) {
    know_some("old", 200, Phase::delivered);
    list_some("new", 200);
    policy.accept_new_uids = true;
    const Plan made = plan();
    EXPECT_FALSE(made.doubt);
    EXPECT_EQ(made.fetch.size(), 200U);
}

TEST_F(PlanTest, WhatWeHadDeletedOurselvesIsNotMissed) {
    for (const Phase phase : {Phase::gone, Phase::deleting}) {
        known.messages.clear();
        list_nothing();
        know_some("old", 300, phase);
        list_some("new", 300);
        EXPECT_FALSE(plan().doubt);
    }
}

// Equal UIDs.

TEST_F(PlanTest, EqualUidsAreAllFetched) {
    list("x");
    list("x");
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 2U);
    EXPECT_EQ(made.fetch[1].record.key.occurrence, 1U);
    EXPECT_FALSE(made.fetch[1].verify);
}

TEST_F(PlanTest, EqualUidsThatStayAsTheyAreAreKnown) {
    know(record("x", Phase::delivered, 0));
    know(record("x", Phase::delivered, 1));
    list("x");
    list("x");
    EXPECT_EQ(plan().kept, 2U);
}

TEST_F(PlanTest, WhenOneOfEqualUidsVanishesTheOthersAreVerified) {
    know(record("x", Phase::delivered, 0));
    know(record("x", Phase::delivered, 1));
    list("x");
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 1U);
    ASSERT_TRUE(made.fetch.front().verify);
    EXPECT_EQ(made.fetch.front().verify->size(), 2U);
    EXPECT_TRUE(made.reconcile.empty()) << "the vanished record is needed as it is";
    EXPECT_EQ(made.when_verified.at("x").size(), 1U);
}

TEST_F(PlanTest, WhenEqualUidsGrowAllAreVerified) {
    know(record("x", Phase::delivered, 0));
    list("x");
    list("x");
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 2U);
    EXPECT_TRUE(made.fetch[0].verify);
    EXPECT_TRUE(made.fetch[1].verify);
}

TEST_F(PlanTest, EqualUidsThatShrankAndGrowAgainAreVerified) {
    MessageRecord absent = record("x", Phase::delivered, 1);
    absent.absent_since = now - 1h;
    know(record("x", Phase::delivered, 0));
    know(absent);
    list("x");
    EXPECT_EQ(plan().kept, 1U);
    list("x");  // of the size of the one that left, and perhaps another message
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 2U);
    EXPECT_TRUE(made.fetch[1].verify);
}

TEST_F(PlanTest, AHeldMessageWithoutACopyIsNoKnownContent) {
    know(record("x", Phase::held, 0));  // poison that was received once, and put off
    MessageRecord with_copy = record("x", Phase::held, 1);
    with_copy.held_copy = true;
    with_copy.sha256 = digest(2);
    know(with_copy);
    list("x");
    const Plan made = plan();
    ASSERT_EQ(made.fetch.size(), 1U);
    ASSERT_EQ(made.fetch.front().verify->size(), 1U);
    EXPECT_EQ(made.fetch.front().verify->front().sha256, digest(2));
}

TEST_F(PlanTest, OfEqualUidsAllOrNoneMayBeDeleted) {
    policy.delete_after = 0s;
    know(record("x", Phase::delivered, 0));
    know(record("x", Phase::seen, 1));
    know(record("y", Phase::delivered, 0));
    list("x");
    list("x");
    list("y");
    const std::vector<Job> jobs = removable();
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs.front().remote.uid, "y");
}

// What may be deleted.

TEST_F(PlanTest, OnlyDeliveredMessagesOfTheAgeMayBeDeleted) {
    know(record("delivered", Phase::delivered));
    know(record("deleting", Phase::deleting));
    know(record("seen", Phase::seen));
    know(record("held", Phase::held));
    for (const MessageRecord& one : known.messages) {
        list(one.key.uid);
    }
    EXPECT_TRUE(removable().empty()) << "never is the default";
    policy.delete_after = 1h;
    EXPECT_EQ(removable().size(), 2U);
    policy.delete_after = 1h + 1ms;
    EXPECT_TRUE(removable().empty());
}

// I3: what a consuming server was to forget at a QUIT that never came.
TEST_F(PlanTest, LeftoversAreWhatWasDeliveredAndAwaitsAQuit) {
    for (const Phase phase : {Phase::seen, Phase::delivered, Phase::deleting, Phase::held}) {
        MessageRecord one = record("m" + std::to_string(static_cast<int>(phase)), phase);
        one.awaits_quit = true;
        know(one);
        list(one.key.uid);
    }
    know(record("kept", Phase::delivered));
    list("kept");
    const Plan made = plan();
    ASSERT_EQ(made.leftovers.size(), 2U);
    EXPECT_EQ(made.leftovers[0].remote.uid, "m1");
    EXPECT_EQ(made.leftovers[1].remote.uid, "m2");
    std::vector<Job> jobs = {made.leftovers[0]};
    add_leftovers(jobs, made.leftovers);
    EXPECT_EQ(jobs.size(), 2U);
}

TEST_F(PlanTest, OfEqualUidsNoneIsALeftover) {
    for (const std::uint32_t occurrence : {0U, 1U}) {
        MessageRecord one = record("x", Phase::delivered, occurrence);
        one.awaits_quit = true;
        know(one);
        list("x");
    }
    EXPECT_TRUE(plan().leftovers.empty());
}

// What was skipped at the first poll has no content to be known by; a server that keeps mail in an
// mbox file writes Status and X-UIDL into it all the same (S-026).

class GrownSkippedTest : public PlanTest {
  protected:
    GrownSkippedTest() {
        MessageRecord skipped = record("old", Phase::skipped);
        skipped.sha256.reset();
        skipped.delivered_at.reset();
        know(skipped);
    }
    void list_with_fields(std::uint64_t size, std::optional<std::uint64_t> fields) {
        list_nothing();
        list("old", size);
        listing.messages.back().fields_of_server = fields;
    }
};

TEST_F(GrownSkippedTest, StaysSkippedIfFieldsOfItsServerAccountForIt) {
    list_with_fields(140, 40);
    EXPECT_EQ(heads_wanted(listing, known), std::vector<std::size_t>{0});
    const Plan made = plan_and_record();
    EXPECT_TRUE(made.fetch.empty());
    EXPECT_EQ(made.skipped, 1U);
    EXPECT_EQ(known.messages.front().listed_size, 140U);
    EXPECT_TRUE(heads_wanted(listing, known).empty()) << "asked once";
    list_with_fields(141, 41);  // "O" has become "RO"
    EXPECT_EQ(plan_and_record().skipped, 1U);
}

// P-019: a UID that another message has now.
TEST_F(GrownSkippedTest, IsNewMailIfAnythingElseIsOtherAboutIt) {
    const std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> others = {
        {140, 39}, {140, 0}, {140, std::nullopt}, {99, 40}, {100 + 513, 600}};
    for (const auto& [size, fields] : others) {
        list_with_fields(size, fields);
        const Plan made = plan();
        ASSERT_EQ(made.fetch.size(), 1U) << size;
        EXPECT_FALSE(made.fetch.front().verify);
        EXPECT_EQ(made.skipped, 0U);
    }
}

TEST_F(GrownSkippedTest, OfOthersNoHeaderIsAskedFor) {
    list_with_fields(99, std::nullopt);
    list("new", 120);
    know(record("delivered", Phase::delivered));
    list("delivered", 120);
    EXPECT_TRUE(heads_wanted(listing, known).empty());
}

TEST_F(GrownSkippedTest, AreNoReasonToDoubtHoweverManyTheyAre) {
    list_nothing();
    known.messages.clear();
    for (int i = 0; i < 300; ++i) {
        MessageRecord skipped = record("old" + std::to_string(i), Phase::skipped);
        skipped.sha256.reset();
        know(skipped);
        list(skipped.key.uid, 150);
        listing.messages.back().fields_of_server = 50;
    }
    const Plan made = plan();
    EXPECT_FALSE(made.doubt);
    EXPECT_EQ(made.skipped, 300U);
}

}  // namespace
}  // namespace postrider::engine
