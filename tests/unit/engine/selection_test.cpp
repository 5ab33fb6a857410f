#include "engine/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;
using store::Phase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WallTime kNow{1'767'225'600s};

/// A mailbox of some sizes, and the plan for an account.
class SelectionTest : public ::testing::Test {
  protected:
    void list(const std::string& uid, std::uint64_t size = 100,
              std::optional<WallTime> dated = std::nullopt) {
        const auto number = static_cast<std::uint32_t>(listing.messages.size() + 1);
        listing.messages.push_back({number, uid, 0, size, dated});
    }
    [[nodiscard]] Plan make() const { return plan(listing, known, policy, kNow); }
    [[nodiscard]] static std::vector<std::string> uids(const Plan& plan) {
        std::vector<std::string> all;
        for (const Job& job : plan.fetch) {
            all.push_back(job.remote.uid);
        }
        return all;
    }
    [[nodiscard]] std::vector<std::string> fetched() const { return uids(make()); }
    /// Plans, and keeps what is to be recorded, as a poll does.
    Plan make_and_record() {
        Plan made = make();
        known.known = true;
        for (const store::Change& change : made.reconcile) {
            known.messages.push_back(std::get<store::PutMessage>(change).record);
        }
        return made;
    }

    source::Listing listing;
    store::AccountRecords known;
    AccountPolicy policy;
};

// P-021
TEST_F(SelectionTest, TheOldestComeFirstUnlessTheNewestAreWanted) {
    list("a");
    list("b");
    list("c");
    EXPECT_THAT(fetched(), ElementsAre("a", "b", "c"));
    policy.order = Order::newest;
    EXPECT_THAT(fetched(), ElementsAre("c", "b", "a"));
}

TEST_F(SelectionTest, AMessageOfTheLargestSizeIsFetchedAndOneOctetMoreIsSkipped) {
    policy.max_message_size = 1000;
    list("fits", 1000);
    list("not", 1001);
    const Plan made = make();
    EXPECT_THAT(uids(made), ElementsAre("fits"));
    EXPECT_EQ(made.oversize, 1U);
    EXPECT_THAT(made.reconcile, IsEmpty()) << "a higher limit shall fetch it";
    policy.max_message_size = 1001;
    EXPECT_THAT(fetched(), ::testing::UnorderedElementsAre("not", "fits"));
}

TEST_F(SelectionTest, OversizeIsHeldWhereThePolicySaysSo) {
    policy.max_message_size = 1000;
    policy.oversize = Oversize::hold;
    list("big", 5000);
    const Plan made = make_and_record();
    EXPECT_THAT(uids(made), IsEmpty());
    ASSERT_EQ(known.messages.size(), 1U);
    EXPECT_EQ(known.messages[0].phase, Phase::held);
    EXPECT_FALSE(known.messages[0].held_copy);
    EXPECT_FALSE(known.messages[0].retry_after) << "it is not tried every day";
    EXPECT_THAT(known.messages[0].note, ::testing::HasSubstr("max_message_size"));
    EXPECT_EQ(make().held, 1U);
}

// P-025
TEST_F(SelectionTest, WhatMayTurnOutTooLargeComesLast) {
    policy.max_message_size = 1000;
    list("large", 900);
    list("small", 10);
    list("half", 500);
    EXPECT_THAT(fetched(), ElementsAre("small", "half", "large"));
}

TEST_F(SelectionTest, NoMoreThanThePollMayFetch) {
    policy.max_messages_per_poll = 2;
    list("a");
    list("b");
    list("c");
    const Plan made = make();
    EXPECT_THAT(uids(made), ElementsAre("a", "b"));
    EXPECT_EQ(made.left, 1U);
    policy.order = Order::newest;
    EXPECT_THAT(fetched(), ElementsAre("c", "b"));
}

TEST_F(SelectionTest, AGroupOfEqualUidsStaysOpenWhileOneOfThemIsLeftForTheNextPoll) {
    // Two of three equal UIDs are listed: who is gone is known when both have shown their content.
    for (std::uint32_t occurrence = 0; occurrence < 3; ++occurrence) {
        store::MessageRecord record;
        record.key = {"same", occurrence};
        record.listed_size = 100;
        record.phase = Phase::delivered;
        record.sha256 = mail::Digest{};
        record.delivered_at = kNow - 24h;
        known.messages.push_back(record);
    }
    known.known = true;
    listing.messages = {{1, "same", 0, 100}, {2, "same", 1, 100}};
    EXPECT_EQ(make().when_verified.count("same"), 1U);
    policy.max_messages_per_poll = 1;
    EXPECT_EQ(make().when_verified.count("same"), 0U);
    policy.max_messages_per_poll.reset();
    policy.max_message_size = 50;
    EXPECT_EQ(make().when_verified.count("same"), 0U);
}

// what is there before the first poll.

TEST_F(SelectionTest, InitialNewSkipsAllThatIsThereForGood) {
    policy.initial.kind = Initial::Kind::none;
    policy.delete_after = 0s;
    list("old");
    EXPECT_EQ(make_and_record().skipped, 1U);
    ASSERT_EQ(known.messages.size(), 1U);
    EXPECT_EQ(known.messages[0].phase, Phase::skipped);
    list("fresh");
    const Plan later = make();
    EXPECT_THAT(uids(later), ElementsAre("fresh"));
    EXPECT_EQ(later.skipped, 1U);
    EXPECT_THAT(removable(listing, later.records, {}, policy, kNow + 24h * 365), IsEmpty());
    policy.initial = {};
    EXPECT_THAT(fetched(), ElementsAre("fresh")) << "whatever is configured later";
}

TEST_F(SelectionTest, InitialLastKeepsTheEndOfTheListing) {
    policy.initial = {Initial::Kind::last, 2, {}};
    list("a");
    list("b");
    list("c");
    EXPECT_THAT(uids(make_and_record()), ElementsAre("b", "c"));
    EXPECT_EQ(known.messages.size(), 1U);
    policy.initial.count = 5;
    known = {};
    EXPECT_THAT(fetched(), ElementsAre("a", "b", "c"));
}

TEST_F(SelectionTest, InitialSinceGoesByTheDateAndFetchesWhatHasNone) {
    policy.initial = {Initial::Kind::since, 0, kNow};
    list("before", 100, kNow - 1ms);
    list("at", 100, kNow);
    list("undated");
    EXPECT_THAT(fetched(), ElementsAre("at", "undated"));
}

TEST_F(SelectionTest, AnAccountThatWasPolledBeforeHasNoInitialPolicy) {
    known.known = true;
    policy.initial.kind = Initial::Kind::none;
    list("a");
    EXPECT_THAT(fetched(), ElementsAre("a"));
}

TEST_F(SelectionTest, SkippedMessagesOfOneUidMayChangePlacesAndStaySkipped) {
    policy.initial.kind = Initial::Kind::none;
    listing.messages = {{1, "same", 0, 100}, {2, "same", 1, 100}};
    (void)make_and_record();
    listing.messages = {{1, "same", 0, 100}};
    EXPECT_THAT(fetched(), IsEmpty());
}

}  // namespace
}  // namespace postrider::engine
