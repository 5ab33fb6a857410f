// What may be deleted of messages that have no UID, and how long all stay; the rest of removable()
// is in plan_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postrider/engine/plan.h"

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;
using store::Phase;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WallTime kNow{1'767'225'600s};

class RemovalTest : public ::testing::Test {
  protected:
    RemovalTest() { policy.delete_after = 0s; }

    store::MessageRecord& know(const std::string& uid) {
        store::MessageRecord record;
        record.key = {uid, 0};
        record.listed_size = 100;
        record.phase = Phase::delivered;
        record.first_seen = kNow - 1h;
        record.delivered_at = kNow;
        known.known = true;
        known.messages.push_back(record);
        return known.messages.back();
    }
    [[nodiscard]] Records records() const { return plan(listing, known, policy, kNow).records; }

    source::Listing listing;
    store::AccountRecords known;
    AccountPolicy policy;
    mail::Digest digest{};
};

TEST_F(RemovalTest, NothingGoesBeforeItWasThereForAsLongAsThePolicySays) {
    know("a");
    listing.messages = {{1, "a", 0, 100}};
    policy.keep_on_server_at_least = 2h;
    EXPECT_THAT(removable(listing, records(), {}, policy, kNow + 1h - 1ms), IsEmpty());
    EXPECT_THAT(removable(listing, records(), {}, policy, kNow + 1h), SizeIs(1));
}

// P-034: without UID the number means something only if this session has seen the content.
TEST_F(RemovalTest, AMessageWithoutUidGoesOnlyIfItHasShownItsContentInThisSession) {
    know(content_uid(digest));
    listing.messages = {{1, "", 0, 100}, {2, "", 0, 100}};
    listing.has_uids = false;
    EXPECT_THAT(removable(listing, records(), {}, policy, kNow), IsEmpty());
    const std::vector<Job> jobs =
        removable(listing, records(), {{2, {content_uid(digest), 0}}}, policy, kNow);
    ASSERT_THAT(jobs, SizeIs(1));
    EXPECT_EQ(jobs[0].remote.number, 2U);
    EXPECT_EQ(jobs[0].record.key.uid, content_uid(digest));
}

TEST_F(RemovalTest, NoServerCanNameARecordThatIsKeptByContent) {
    EXPECT_TRUE(is_content_uid(content_uid(digest)));
    EXPECT_FALSE(is_content_uid("sha256:00"));
    EXPECT_FALSE(is_content_uid(""));
}

// I7 for what has no UID.
TEST_F(RemovalTest, ContentThatWasNotMetIsForgottenAfterADayAndWhatIsGoneAtOnce) {
    know(content_uid(digest)).phase = Phase::gone;
    digest[0] = 1;
    know(content_uid(digest));
    digest[0] = 2;
    know(content_uid(digest));
    const auto changes = absent_contents(known, {{7, {content_uid(digest), 0}}}, kNow);
    ASSERT_THAT(changes, SizeIs(2));
    EXPECT_TRUE(std::holds_alternative<store::ForgetMessage>(changes[0]));
    EXPECT_EQ(std::get<store::PutMessage>(changes[1]).record.absent_since, kNow);
}

}  // namespace
}  // namespace postrider::engine
