#include "sink/smtp_queue.h"

#include <gtest/gtest.h>

namespace postrider::sink {
namespace {

class SmtpQueueTest : public testing::Test, public SmtpJob::Owner {
  protected:
    void forget(SmtpJob& /*job*/) override {}

    SmtpJob& add(std::initializer_list<const char*> recipients) {
        jobs_.push_back(std::make_unique<SmtpJob>(*this));
        for (const char* const recipient : recipients) {
            jobs_.back()->envelope.recipients.push_back(mail::Address::parse(recipient).value());
        }
        queue.push_back(*jobs_.back());
        return *jobs_.back();
    }

    SmtpQueue queue{1};
    std::vector<std::unique_ptr<SmtpJob>> jobs_;
};

// S-020
TEST_F(SmtpQueueTest, WhoWaitsForABusyRecipientIsOvertaken) {
    SmtpJob& first = add({"bob@x"});
    SmtpJob& second = add({"BOB@x"});
    SmtpJob& third = add({"ann@x"});
    EXPECT_EQ(queue.startable(8), 2U);
    EXPECT_EQ(queue.take(true), &first);
    EXPECT_EQ(queue.take(true), &third);
    EXPECT_EQ(queue.take(true), nullptr);
    EXPECT_EQ(queue.startable(8), 0U);
    queue.ended(first);
    EXPECT_EQ(queue.take(true), &second);
}

TEST_F(SmtpQueueTest, OneBusyRecipientOfSeveralIsEnoughToWait) {
    SmtpJob& both = add({"bob@x", "ann@x"});
    SmtpJob& ann = add({"ann@x"});
    EXPECT_EQ(queue.take(true), &both);
    EXPECT_EQ(queue.take(true), nullptr);
    queue.ended(both);
    EXPECT_EQ(queue.take(true), &ann);
}

TEST_F(SmtpQueueTest, WithoutALimitNobodyWaits) {
    queue = SmtpQueue(0);
    SmtpJob& first = add({"bob@x"});
    SmtpJob& second = add({"bob@x"});
    EXPECT_EQ(queue.startable(8), 2U);
    EXPECT_EQ(queue.startable(1), 1U);
    EXPECT_EQ(queue.take(true), &first);
    EXPECT_EQ(queue.take(true), &second);
}

TEST_F(SmtpQueueTest, AProbeWaitsForNobody) {
    static_cast<void>(add({"bob@x"}));
    SmtpJob& probe = add({});
    ASSERT_NE(queue.take(true), nullptr);
    EXPECT_EQ(queue.take(true), &probe);
}

TEST_F(SmtpQueueTest, WhatIsTriedAgainNeedsAFreshConnection) {
    SmtpJob& again = add({"bob@x"});
    SmtpJob& other = add({"ann@x"});
    EXPECT_FALSE(queue.wants_fresh());
    again.retries = 1;
    EXPECT_TRUE(queue.wants_fresh());
    EXPECT_EQ(queue.take(false), &other);
    EXPECT_EQ(queue.take(false), nullptr);
    EXPECT_EQ(queue.take(true), &again);
}

TEST_F(SmtpQueueTest, WhatIsForgottenIsNotTaken) {
    SmtpJob& first = add({"bob@x"});
    SmtpJob& second = add({"ann@x"});
    queue.forget(first);
    EXPECT_EQ(queue.take(true), &second);
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace postrider::sink
