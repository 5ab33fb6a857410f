#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "postrider/event/attendant.h"

// What every event::Attendant promises; run against each implementation. A Factory has
// `std::unique_ptr<Attendant> make(std::function<void()>)` and `void wait_until(predicate)`.
namespace postrider::event {

template <class Factory>
class AttendantContract : public testing::Test {
  protected:
    std::unique_ptr<Attendant> make(std::function<void()> turn) {
        return factory_.make(std::move(turn));
    }
    std::unique_ptr<Attendant> make_counting() {
        return make([this] { ++turns_; });
    }
    void wait_until(const std::function<bool()>& predicate) { factory_.wait_until(predicate); }

    std::atomic<int> turns_ = 0;

  private:
    Factory factory_;
};

TYPED_TEST_SUITE_P(AttendantContract);

TYPED_TEST_P(AttendantContract, WokenItTakesATurn) {
    const auto attendant = this->make_counting();
    attendant->wake();
    this->wait_until([this] { return this->turns_ == 1; });
    attendant->wake();
    this->wait_until([this] { return this->turns_ == 2; });
}

TYPED_TEST_P(AttendantContract, ItTakesNoTurnUnasked) {
    const auto attendant = this->make_counting();
    attendant->finish();
    EXPECT_EQ(this->turns_, 0);
}

TYPED_TEST_P(AttendantContract, WhatMayWaitIsTakenAtTheEnd) {
    const auto attendant = this->make_counting();
    attendant->wake_within(std::chrono::hours(1));
    attendant->wake_within(std::chrono::hours(2));
    EXPECT_EQ(this->turns_, 0);
    attendant->finish();
    EXPECT_EQ(this->turns_, 1);
}

TYPED_TEST_P(AttendantContract, WhatMayWaitIsTakenInTime) {
    const auto attendant = this->make_counting();
    attendant->wake_within(std::chrono::milliseconds(10));
    this->wait_until([this] { return this->turns_ == 1; });
}

TYPED_TEST_P(AttendantContract, WhoIsInAHurryDoesNotWaitForWhoIsNot) {
    const auto attendant = this->make_counting();
    attendant->wake_within(std::chrono::hours(1));
    attendant->wake();
    this->wait_until([this] { return this->turns_ == 1; });
    attendant->finish();
    EXPECT_EQ(this->turns_, 1) << "one turn serves both";
}

TYPED_TEST_P(AttendantContract, ATurnMayAskForAnother) {
    std::unique_ptr<Attendant> attendant;
    attendant = this->make([&] {
        if (++this->turns_ < 3) {
            attendant->wake();
        }
    });
    attendant->wake();
    attendant->finish();
    EXPECT_EQ(this->turns_, 3);
}

TYPED_TEST_P(AttendantContract, ItTakesNoTurnAfterItsEnd) {
    auto attendant = this->make_counting();
    attendant->finish();
    attendant->wake();
    attendant->finish();
    attendant.reset();
    EXPECT_EQ(this->turns_, 0);
}

REGISTER_TYPED_TEST_SUITE_P(AttendantContract, WokenItTakesATurn, ItTakesNoTurnUnasked,
                            WhatMayWaitIsTakenAtTheEnd, WhatMayWaitIsTakenInTime,
                            WhoIsInAHurryDoesNotWaitForWhoIsNot, ATurnMayAskForAnother,
                            ItTakesNoTurnAfterItsEnd);

}  // namespace postrider::event
