#pragma once

#include <gtest/gtest.h>

#include "unit/sink/local_fixture.h"

namespace postrider::sink {

/// What every MailSink promises. `Place` is one that works, with:
///   MailSink& sink();
///   void rest();                  all has happened that happens without commit()
///   bool wait(const Asked&);      until it was told; false if it is not
///   std::size_t accepted();       messages that the destination has taken
template <class Place>
class SinkContract : public testing::Test {
  protected:
    static constexpr const char* kText = "Subject: x\r\n\r\nhello\r\n";

    std::unique_ptr<Delivery> prepare(Asked& asked) {
        return place.sink().deliver(
            envelope_to({"bob@example.org"}), fetched(kText),
            [&asked](DeliveryReport report) { asked.report = std::move(report); });
    }

    Place place;
};

TYPED_TEST_SUITE_P(SinkContract);

TYPED_TEST_P(SinkContract, TakesNothingBeforeCommit) {
    Asked asked;
    const auto delivery = this->prepare(asked);
    this->place.rest();
    EXPECT_EQ(asked.told(), "nothing");
    EXPECT_EQ(this->place.accepted(), 0U);
    delivery->commit();
    EXPECT_EQ(asked.told(), "nothing") << "not from inside the call";
    ASSERT_TRUE(this->place.wait(asked));
    ASSERT_EQ(asked.report->verdicts.size(), 1U);
    EXPECT_EQ(asked.report->verdicts[0].outcome, Outcome::delivered);
    EXPECT_EQ(this->place.accepted(), 1U);
}

TYPED_TEST_P(SinkContract, CommitMayComeAtOnceAndTwice) {
    Asked asked;
    const auto delivery = this->prepare(asked);
    delivery->commit();
    delivery->commit();
    ASSERT_TRUE(this->place.wait(asked));
    delivery->commit();
    this->place.rest();
    EXPECT_EQ(this->place.accepted(), 1U);
}

TYPED_TEST_P(SinkContract, WhatIsDestroyedBeforeCommitIsNotTaken) {
    Asked asked;
    auto delivery = this->prepare(asked);
    delivery.reset();
    delivery = this->prepare(asked);
    this->place.rest();
    delivery.reset();
    this->place.rest();
    EXPECT_EQ(asked.told(), "nothing");
    EXPECT_EQ(this->place.accepted(), 0U);
}

TYPED_TEST_P(SinkContract, AProbeIsTold) {
    Asked asked;
    asked.operation = this->place.sink().probe(
        [&asked](Expected<void> outcome) { asked.probed = std::move(outcome); });
    EXPECT_FALSE(asked.probed.has_value());
    ASSERT_TRUE(this->place.wait(asked));
    EXPECT_TRUE(asked.probed->has_value());
}

REGISTER_TYPED_TEST_SUITE_P(SinkContract, TakesNothingBeforeCommit, CommitMayComeAtOnceAndTwice,
                            WhatIsDestroyedBeforeCommitIsNotTaken, AProbeIsTold);

}  // namespace postrider::sink
