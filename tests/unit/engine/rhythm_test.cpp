#include "postrider/engine/rhythm.h"

#include <gtest/gtest.h>

#include "postrider/engine/jitter.h"

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;

class RhythmTest : public ::testing::Test {
  protected:
    /// Ends a poll that took a second, and goes on to the start of the next; says how long that is
    /// from the start of this one.
    Duration next(Ending ending, std::size_t arrived = 0) {
        Outcome outcome;
        outcome.ending = ending;
        outcome.arrived = arrived;
        outcome.took = 1s;
        return next(outcome);
    }
    Duration next(const Outcome& outcome) {
        now += outcome.took;
        const Duration wait = rhythm.after(outcome, pacing, now, jitter);
        now += wait;
        return outcome.took + wait;
    }

    static void expect_near(Duration seen, Duration wanted, double part) {
        EXPECT_GE(seen, wanted - Duration(static_cast<Duration::rep>(
                                     part * static_cast<double>(wanted.count()))));
        EXPECT_LE(
            seen,
            wanted + 2s +
                Duration(static_cast<Duration::rep>(part * static_cast<double>(wanted.count()))));
    }

    Pacing pacing;
    Rhythm rhythm;
    Jitter jitter{1};
    MonotonicTime now{1h};
};

TEST_F(RhythmTest, IntervalsRunFromStartToStart) {
    Outcome outcome;
    outcome.took = 100s;
    for (int i = 0; i < 50; ++i) {
        expect_near(next(outcome), 5min, 0.05);
    }
}

TEST_F(RhythmTest, APollLongerThanItsIntervalIsFollowedByABreath) {
    Outcome outcome;
    outcome.took = 10min;
    EXPECT_EQ(next(outcome), 10min + 1s);
}

TEST_F(RhythmTest, SecondsAreAnInterval) {
    pacing.interval = 2s;
    for (int i = 0; i < 20; ++i) {
        EXPECT_LE(next(Ending::good), 2100ms);
    }
}

TEST_F(RhythmTest, TemporaryTroubleIsTriedSoonThenRarer) {
    expect_near(next(Ending::temporary), 30s, 0.16);
    expect_near(next(Ending::temporary), 60s, 0.16);
    expect_near(next(Ending::temporary), 2min, 0.16);
    for (int i = 0; i < 6; ++i) {
        next(Ending::temporary);
    }
    expect_near(next(Ending::temporary), 15min, 0.16);
    EXPECT_EQ(rhythm.failures(), 10U);
    EXPECT_FALSE(rhythm.needs_attention());
    expect_near(next(Ending::good), 5min, 0.05);
    EXPECT_EQ(rhythm.failures(), 0U);
}

TEST_F(RhythmTest, TroubleAfterSomeMailIsFreshTrouble) {
    next(Ending::temporary);
    next(Ending::temporary);
    expect_near(next(Ending::temporary, 3), 30s, 0.16);
}

TEST_F(RhythmTest, AnHourlyAccountIsNotTriedMoreOftenForEverBecauseItFails) {
    pacing.interval = 1h;
    for (int i = 0; i < 9; ++i) {
        next(Ending::temporary);
    }
    expect_near(next(Ending::temporary), 1h, 0.16);
}

// P-028
TEST_F(RhythmTest, ARefusedLoginIsTriedThreeTimesThenHourlyAndRarer) {
    expect_near(next(Ending::login_refused), 1min, 0.16);
    EXPECT_FALSE(rhythm.needs_attention());
    expect_near(next(Ending::login_refused), 5min, 0.16);
    EXPECT_FALSE(rhythm.needs_attention());
    expect_near(next(Ending::login_refused), 1h, 0.16);
    EXPECT_TRUE(rhythm.needs_attention());
    expect_near(next(Ending::login_refused), 2h, 0.16);
    expect_near(next(Ending::login_refused), 4h, 0.16);
    for (int i = 0; i < 40; ++i) {
        EXPECT_LE(next(Ending::login_refused), 28h) << "never for good";
    }
    next(Ending::good);
    EXPECT_FALSE(rhythm.needs_attention());
    expect_near(next(Ending::login_refused), 1min, 0.16);
}

TEST_F(RhythmTest, AFailingNetworkDoesNotForgiveRefusedLogins) {
    next(Ending::login_refused);
    next(Ending::login_refused);
    next(Ending::temporary);
    expect_near(next(Ending::login_refused), 1h, 0.16);
}

TEST_F(RhythmTest, WhatNeedsAPersonIsLookedAtHourlyAndRarer) {
    expect_near(next(Ending::unfit), 1h, 0.16);
    EXPECT_TRUE(rhythm.needs_attention());
    expect_near(next(Ending::unfit), 2h, 0.16);
}

TEST_F(RhythmTest, ADestinationSaysWhenToLookAgain) {
    Outcome outcome;
    outcome.ending = Ending::destination;
    outcome.again_after = 77s;
    EXPECT_EQ(next(outcome), 77s);
}

// P-026
TEST_F(RhythmTest, TheIntervalIsNeverShorterThanTheServerOrTheProviderWants) {
    Outcome outcome;
    outcome.login_delay = 15min;
    outcome.took = 3s;
    for (int i = 0; i < 50; ++i) {
        const Duration gap = next(outcome);
        EXPECT_GE(gap, 15min + 3s);
        EXPECT_LE(gap, 16min);
    }
    EXPECT_GE(next(Ending::temporary), 15min) << "the delay is remembered";
    pacing.at_least = 30min;
    EXPECT_GE(next(Ending::good), 30min);
}

TEST_F(RhythmTest, MoreMailIsFetchedAsSoonAsTheServerAllows) {
    Outcome outcome;
    outcome.again_after = 20s;
    EXPECT_GE(next(outcome), 20s);
    EXPECT_LE(next(outcome), 21s);
}

class AdaptiveRhythmTest : public RhythmTest {
  protected:
    AdaptiveRhythmTest() {
        pacing.interval = 30s;
        pacing.most = 15min;
    }

    /// Polls for that long while a message comes every `gap`; the last interval.
    Duration live(Duration time, Duration gap) {
        const MonotonicTime end = now + time;
        MonotonicTime last = now;
        Duration wait{};
        while (now < end) {
            const auto arrived = static_cast<std::size_t>((now - last) / gap);
            last += gap * static_cast<std::int64_t>(arrived);
            wait = next(Ending::good, arrived);
        }
        return wait;
    }
};

TEST_F(AdaptiveRhythmTest, FollowsTheArrivalOfMail) {
    expect_near(live(24h, 10min), 5min, 0.25);
    expect_near(live(24h, 20s), 30s, 0.1);
    expect_near(live(24h, 10min), 5min, 0.25);
}

TEST_F(AdaptiveRhythmTest, BecomesRareWhereNoMailComes) {
    expect_near(live(24h, 1000h), 15min, 0.06);
}

TEST_F(AdaptiveRhythmTest, WhatTheFirstPollFindsIsNoArrivalRate) {
    const Duration first = next(Ending::good, 100'000);
    EXPECT_EQ(rhythm.interval(pacing), 30s);
    EXPECT_LE(first, 33s);
    expect_near(live(24h, 1000h), 15min, 0.06);
}

TEST(ActiveHours, TellHowLongToWait) {
    const ActiveHours day{7h, 23h};
    EXPECT_EQ(day.wait_at(7h), 0s);
    EXPECT_EQ(day.wait_at(22h + 59min + 59s), 0s);
    EXPECT_EQ(day.wait_at(23h), 8h);
    EXPECT_EQ(day.wait_at(0h), 7h);
    const ActiveHours night{22h, 6h};
    EXPECT_EQ(night.wait_at(22h), 0s);
    EXPECT_EQ(night.wait_at(0h), 0s);
    EXPECT_EQ(night.wait_at(5h + 59min), 0s);
    EXPECT_EQ(night.wait_at(6h), 16h);
    EXPECT_EQ(night.wait_at(12h), 10h);
}

}  // namespace
}  // namespace postrider::engine
