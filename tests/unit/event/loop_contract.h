#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/event/loop.h"

// What every event::Loop promises; run against each implementation. A Factory has
// `static std::unique_ptr<event::Loop> make()`.
namespace postrider::event {

using namespace std::chrono_literals;

template <class Factory>
class LoopContract : public testing::Test {
  protected:
    Loop& loop() { return *loop_; }

    /// Runs for `time` of the loop's own time.
    void run_for(Duration time) {
        const auto end = loop_->make_timer([this] { loop_->stop(); });
        end->arm(time);
        loop_->run();
    }

  private:
    std::unique_ptr<Loop> loop_ = Factory::make();
};

TYPED_TEST_SUITE_P(LoopContract);

TYPED_TEST_P(LoopContract, DeferredWorkRunsInOrderAndNeverInsideTheCall) {
    std::string order;
    this->loop().defer([&] {
        order += "a";
        this->loop().defer([&] {
            order += "c";
            this->loop().stop();
        });
        order += "A";
    });
    this->loop().defer([&] { order += "b"; });
    EXPECT_EQ(order, "");
    this->loop().run();
    EXPECT_EQ(order, "aAbc");
}

TYPED_TEST_P(LoopContract, DeferredAndPostedWorkShareOneOrder) {
    std::string order;
    this->loop().defer([&] { order += "1"; });
    this->loop().post([&] { order += "2"; });
    this->loop().defer([&] { order += "3"; });
    this->loop().post([&] { this->loop().stop(); });
    this->loop().run();
    EXPECT_EQ(order, "123");
}

TYPED_TEST_P(LoopContract, WorkQueuedAtStopStillRuns) {
    bool ran = false;
    this->loop().defer([&] {
        this->loop().stop();
        this->loop().defer([&] { ran = true; });
    });
    this->loop().run();
    EXPECT_TRUE(ran);
}

TYPED_TEST_P(LoopContract, RunsAgainAfterStop) {
    this->run_for(0ms);
    bool fired = false;
    const auto timer = this->loop().make_timer([&] { fired = true; });
    timer->arm(1ms);
    this->run_for(2ms);
    EXPECT_TRUE(fired);
}

TYPED_TEST_P(LoopContract, TimersFireByDeadlineThenByArming) {
    std::string order;
    const auto late = this->loop().make_timer([&] { order += "late "; });
    const auto first = this->loop().make_timer([&] { order += "first "; });
    const auto second = this->loop().make_timer([&] { order += "second "; });
    this->loop().defer([&] {  // inside one turn, where now() stands still
        late->arm(4ms);
        first->arm(2ms);
        second->arm(2ms);
    });
    this->run_for(8ms);
    EXPECT_EQ(order, "first second late ");
}

TYPED_TEST_P(LoopContract, ATimerNeverFiresEarly) {
    MonotonicTime due;
    MonotonicTime fired;
    const auto timer = this->loop().make_timer([&] {
        fired = this->loop().now();
        this->loop().stop();
    });
    this->loop().defer([&] {
        due = this->loop().now() + 3ms;
        timer->arm(3ms);
        EXPECT_TRUE(timer->is_armed());
    });
    this->loop().run();
    EXPECT_GE(fired, due);
    EXPECT_FALSE(timer->is_armed());
}

TYPED_TEST_P(LoopContract, ArmingAgainMovesATimer) {
    int fired = 0;
    const auto timer = this->loop().make_timer([&] { ++fired; });
    timer->arm(1ms);
    timer->arm(2ms);
    this->run_for(5ms);
    EXPECT_EQ(fired, 1);
}

TYPED_TEST_P(LoopContract, ADisarmedTimerDoesNotFire) {
    bool fired = false;
    const auto timer = this->loop().make_timer([&] { fired = true; });
    timer->arm(1ms);
    timer->disarm();
    EXPECT_FALSE(timer->is_armed());
    this->run_for(3ms);
    EXPECT_FALSE(fired);
}

TYPED_TEST_P(LoopContract, AZeroTimerFiresOnTheNextTurn) {
    std::string order;
    const auto zero = this->loop().make_timer([&] { order += "zero "; });
    this->loop().defer([&] {
        zero->arm(0ms);
        this->loop().defer([&] { order += "next-turn "; });
        order += "armed ";
    });
    this->run_for(2ms);
    // Deferred work of the next turn and its timers: both after this one.
    EXPECT_TRUE(order.starts_with("armed "));
    EXPECT_NE(order.find("zero "), std::string::npos);
}

TYPED_TEST_P(LoopContract, AZeroTimerThatArmsItselfDoesNotStarveTheLoop) {
    int turns = 0;
    std::unique_ptr<Timer> again;
    again = this->loop().make_timer([&] {
        if (++turns < 100) {
            again->arm(0ms);
        }
    });
    again->arm(0ms);
    int deferred = 0;
    this->loop().defer([&] {
        ++deferred;
        this->loop().defer([&] {
            ++deferred;
            EXPECT_LT(turns, 100);
        });
    });
    this->run_for(20ms);
    EXPECT_EQ(turns, 100);
    EXPECT_EQ(deferred, 2);
}

TYPED_TEST_P(LoopContract, ATimerMayBeDestroyedInItsOwnCallback) {
    std::unique_ptr<Timer> timer;
    std::string seen;
    timer = this->loop().make_timer([&, kept = std::string(100, 'x')] {
        timer.reset();
        seen = kept;  // captures live until the callback returns
    });
    timer->arm(1ms);
    this->run_for(3ms);
    EXPECT_EQ(seen.size(), 100U);
}

TYPED_TEST_P(LoopContract, ATimerMayDestroyAnotherThatIsDueToo) {
    std::unique_ptr<Timer> victim;
    bool victim_fired = false;
    const auto killer = this->loop().make_timer([&] { victim.reset(); });
    victim = this->loop().make_timer([&] { victim_fired = true; });
    this->loop().defer([&] {
        killer->arm(1ms);
        victim->arm(1ms);
    });
    this->run_for(4ms);
    EXPECT_FALSE(victim_fired);
}

TYPED_TEST_P(LoopContract, DeferDeleteDestroysOnALaterTurn) {
    bool destroyed = false;
    const auto on_destroy = [&](const int* number) {
        destroyed = true;
        delete number;
    };
    this->loop().defer([&] {
        this->loop().defer_delete(
            std::make_unique<std::shared_ptr<int>>(std::shared_ptr<int>(new int(1), on_destroy)));
        EXPECT_FALSE(destroyed);
    });
    this->run_for(1ms);
    EXPECT_TRUE(destroyed);
}

TYPED_TEST_P(LoopContract, TimeStandsStillWithinATurn) {
    this->loop().defer([&] {
        const MonotonicTime before = this->loop().now();
        const auto wall_before = this->loop().wall_now();
        std::vector<int> some(100'000, 1);
        EXPECT_EQ(this->loop().now(), before);
        EXPECT_EQ(this->loop().wall_now(), wall_before);
        this->loop().stop();
    });
    this->loop().run();
}

TYPED_TEST_P(LoopContract, WorkLeftInTheQueueIsDestroyedWithTheLoop) {
    auto loop = TypeParam::make();
    auto token = std::make_shared<int>(1);
    Loop& inner = *loop;
    // The destructor of deferred work may itself defer.
    auto guard = std::shared_ptr<int>(new int(2), [&inner, token](const int* number) {
        inner.defer([token] {});
        delete number;
    });
    loop->defer([guard = std::move(guard)] {});
    loop.reset();
    EXPECT_EQ(token.use_count(), 1);
}

REGISTER_TYPED_TEST_SUITE_P(LoopContract, DeferredWorkRunsInOrderAndNeverInsideTheCall,
                            DeferredAndPostedWorkShareOneOrder, WorkQueuedAtStopStillRuns,
                            RunsAgainAfterStop, TimersFireByDeadlineThenByArming,
                            ATimerNeverFiresEarly, ArmingAgainMovesATimer,
                            ADisarmedTimerDoesNotFire, AZeroTimerFiresOnTheNextTurn,
                            AZeroTimerThatArmsItselfDoesNotStarveTheLoop,
                            ATimerMayBeDestroyedInItsOwnCallback,
                            ATimerMayDestroyAnotherThatIsDueToo, DeferDeleteDestroysOnALaterTurn,
                            TimeStandsStillWithinATurn, WorkLeftInTheQueueIsDestroyedWithTheLoop);

}  // namespace postrider::event
