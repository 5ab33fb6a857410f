#include "postrider/engine/held_records.h"

#include <chrono>

#include <gtest/gtest.h>

#include "postrider/engine/plan.h"
#include "postrider/mail/trace.h"

namespace postrider::engine {
namespace {

using store::MessageRecord;
using store::Phase;

const Secret kKey("key");
constexpr WallTime kNow{std::chrono::hours(1000)};

MessageRecord record(const std::string& uid, Phase phase, bool held_copy) {
    MessageRecord made;
    made.key.uid = uid;
    made.sha256 = mail::Digest{1, 2, 3};
    made.phase = phase;
    made.held_copy = held_copy;
    made.note = "550 no";
    return made;
}

MessageRecord changed(const std::vector<store::Change>& changes) {
    EXPECT_EQ(changes.size(), 1U);
    return changes.empty() ? MessageRecord() : std::get<store::PutMessage>(changes.front()).record;
}

TEST(HeldRecords, AreFoundByTheIdOfTheirDelivery) {
    store::AccountRecords known;
    known.messages = {record("u1", Phase::held, true), record("u2", Phase::held, true)};
    known.messages.push_back(record("u1", Phase::held, true));
    known.messages.back().key.occurrence = 1;
    known.messages.push_back(record("poison", Phase::held, false));
    known.messages.back().sha256.reset();
    const RecordsById by_id = records_by_id(known, kKey, "alice");
    EXPECT_EQ(by_id.size(), 2U);
    EXPECT_EQ(by_id.at(mail::delivery_id(kKey, "alice", "u1", {1, 2, 3})).size(), 2U);
    EXPECT_EQ(by_id.at(mail::delivery_id(kKey, "alice", "u2", {1, 2, 3})).size(), 1U);
}

TEST(HeldRecords, AMessageWithoutUidHasTheIdThatItWasDeliveredUnder) {
    store::AccountRecords known;
    known.messages = {record(content_uid({1, 2, 3}), Phase::held, true)};
    EXPECT_EQ(records_by_id(known, kKey, "alice").begin()->first,
              mail::delivery_id(kKey, "alice", "", {1, 2, 3}));
}

TEST(HeldRecords, WhatIsReleasedCountsAsDelivered) {
    const MessageRecord after = changed(released({record("u", Phase::held, true)}, "250 ok", kNow));
    EXPECT_EQ(after.phase, Phase::delivered);
    EXPECT_EQ(after.delivered_at, kNow);
    EXPECT_FALSE(after.held_copy);
    EXPECT_EQ(after.note, "250 ok");
}

TEST(HeldRecords, OtherRecipientsStillWait) {
    const MessageRecord after = changed(released({record("u", Phase::seen, true)}, "250 ok", kNow));
    EXPECT_EQ(after.phase, Phase::seen);
    EXPECT_FALSE(after.held_copy);
    EXPECT_FALSE(after.delivered_at);
    EXPECT_EQ(after.note, "550 no");
}

TEST(HeldRecords, OnlyWhatHasACopyIsReleased) {
    EXPECT_TRUE(released({}, "", kNow).empty());
    EXPECT_TRUE(released({record("u", Phase::delivered, false)}, "", kNow).empty());
    EXPECT_TRUE(released({record("u", Phase::held, false)}, "", kNow).empty());
}

TEST(HeldRecords, ACopyThatACrashLeftIsKnownByItsRecord) {
    EXPECT_TRUE(is_released({record("u", Phase::delivered, false)}));
    EXPECT_TRUE(is_released({record("u", Phase::gone, false)}));
    EXPECT_FALSE(is_released({})) << "the message may have left the server";
    EXPECT_FALSE(is_released({record("u", Phase::held, true)}));
    EXPECT_FALSE(is_released({record("u", Phase::seen, false)})) << "the crash came before";
    EXPECT_FALSE(
        is_released({record("u", Phase::delivered, false), record("u", Phase::held, true)}));
}

}  // namespace
}  // namespace postrider::engine
