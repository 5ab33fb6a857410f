#include "support/sim_loop.h"

#include <gtest/gtest.h>

#include "unit/event/loop_contract.h"

namespace postrider::event {
namespace {

struct SimFactory {
    static std::unique_ptr<Loop> make() { return std::make_unique<test::SimLoop>(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, LoopContract, SimFactory);

TEST(SimLoop, AdvanceFiresEachTimerAtItsOwnTime) {
    test::SimLoop loop;
    const MonotonicTime start = loop.now();
    std::vector<Duration> fired;
    std::unique_ptr<Timer> every;
    every = loop.make_timer([&] {
        fired.push_back(loop.now() - start);
        every->arm(10s);
    });
    every->arm(10s);
    loop.advance(35s);
    EXPECT_EQ(fired, (std::vector<Duration>{10s, 20s, 30s}));
    EXPECT_EQ(loop.now() - start, 35s);
}

TEST(SimLoop, RunUntilIdleDoesNotMoveTime) {
    test::SimLoop loop;
    const MonotonicTime start = loop.now();
    int ran = 0;
    const auto zero = loop.make_timer([&] { ++ran; });
    const auto later = loop.make_timer([&] { ran += 100; });
    zero->arm(0s);
    later->arm(1ns);
    loop.defer([&] { loop.defer([&] { ++ran; }); });
    loop.run_until_idle();
    EXPECT_EQ(ran, 2);
    EXPECT_EQ(loop.now(), start);
    EXPECT_TRUE(loop.has_more());
}

TEST(SimLoop, RunUntilStopsAtThePredicateOrAtTheLimit) {
    test::SimLoop loop;
    const MonotonicTime start = loop.now();
    bool fired = false;
    const auto timer = loop.make_timer([&] { fired = true; });
    timer->arm(90s);
    EXPECT_FALSE(loop.run_until([&] { return fired; }, 60s));
    EXPECT_EQ(loop.now() - start, 60s);
    EXPECT_TRUE(loop.run_until([&] { return fired; }, 60s));
    EXPECT_EQ(loop.now() - start, 90s);
}

TEST(SimLoop, TheCalendarCanBeSetAndMovesWithVirtualTime) {
    test::SimLoop loop;
    const MonotonicTime start = loop.now();
    const WallTime before = loop.wall_now();
    loop.advance(24h);
    EXPECT_EQ(loop.wall_now() - before, 24h);
    loop.set_wall_time(WallTime(1'000'000s));
    EXPECT_EQ(loop.wall_now(), WallTime(1'000'000s));
    loop.advance(1500ms);
    EXPECT_EQ(loop.wall_now(), WallTime(1'000'001'500ms));
    EXPECT_EQ(loop.now() - start, 24h + 1500ms);
}

}  // namespace
}  // namespace postrider::event
