#include "postrider/engine/scheduler.h"

#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/sim_loop.h"

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Id = Scheduler::Id;
using State = Scheduler::State;

class SchedulerTest : public ::testing::Test {
  protected:
    Id add(Duration interval = 5min, const std::string& host = "h", std::string mailbox = {}) {
        Pacing pacing;
        pacing.interval = interval;
        pacing.host = host;
        pacing.mailbox = mailbox.empty() ? "m" + std::to_string(++mailboxes) : mailbox;
        return scheduler.add(pacing);
    }

    void end(Id id, Ending ending = Ending::good) {
        Outcome outcome;
        outcome.ending = ending;
        scheduler.ended(id, outcome);
    }

    std::vector<Id> take_started() { return std::exchange(started, {}); }
    [[nodiscard]] State state(Id id) const { return scheduler.view(id).state; }

    test::SimLoop loop;
    std::vector<Id> started;
    std::vector<std::pair<Id, Scheduler::Waste>> given_up;
    std::size_t mailboxes = 0;
    Scheduler scheduler{loop,
                        {4, 2},
                        1,
                        {[this](Id id) { started.push_back(id); },
                         [this](Id id, Scheduler::Waste waste) {
                             given_up.emplace_back(id, waste);
                             end(id, Ending::temporary);
                         }}};
};

TEST_F(SchedulerTest, PollsAtOnceAndThenEveryInterval) {
    const Id id = add();
    EXPECT_THAT(started, IsEmpty()) << "never from inside a call";
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id));
    EXPECT_EQ(state(id), State::running);
    end(id);
    EXPECT_EQ(state(id), State::waiting);
    loop.advance(4min + 40s);
    EXPECT_THAT(started, IsEmpty());
    loop.advance(40s);
    EXPECT_THAT(take_started(), ElementsAre(id));
}

TEST_F(SchedulerTest, TheFirstPollsAreSpreadOut) {
    scheduler.set_limits({100, 10});
    for (int i = 0; i < 10; ++i) {
        add(5min, "one");
    }
    loop.advance(450ms);
    EXPECT_EQ(take_started().size(), 5U) << "ten a second with one host";
    loop.advance(1s);
    EXPECT_EQ(take_started().size(), 5U);
    for (int i = 0; i < 100; ++i) {
        add(5min, "host" + std::to_string(i));
    }
    loop.advance(495ms);
    EXPECT_EQ(take_started().size(), 50U) << "a hundred a second over all";
}

TEST_F(SchedulerTest, TheRampIsNoLongerThanTheInterval) {
    scheduler.set_limits({100, 100});
    for (int i = 0; i < 50; ++i) {
        add(1s, "one");
    }
    loop.advance(1s);
    EXPECT_EQ(take_started().size(), 50U);
}

TEST_F(SchedulerTest, PollNowGoesBeforeThoseThatWait) {
    std::vector<Id> ids;
    for (int i = 0; i < 7; ++i) {
        ids.push_back(add(5min, "host" + std::to_string(i)));
    }
    loop.advance(1s);
    ASSERT_EQ(take_started().size(), 4U);
    scheduler.poll_now(ids[6]);
    end(ids[0]);
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(ids[6]));
}

TEST_F(SchedulerTest, PollNowOfARunningPollIsOneMorePoll) {
    const Id id = add();
    loop.advance(1s);
    scheduler.poll_now(id);
    scheduler.poll_now(id);
    take_started();
    end(id);
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id));
    end(id);
    loop.advance(1s);
    EXPECT_THAT(started, IsEmpty());
}

TEST_F(SchedulerTest, PausedIsNotPolledUnlessAPersonAsks) {
    const Id id = add();
    scheduler.pause(id);
    loop.advance(1h);
    EXPECT_THAT(started, IsEmpty());
    EXPECT_EQ(state(id), State::paused);
    scheduler.poll_now(id);
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id));
    end(id);
    EXPECT_EQ(state(id), State::paused);
    loop.advance(1h);
    EXPECT_THAT(started, IsEmpty());
    scheduler.resume(id);
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id));
}

TEST_F(SchedulerTest, APollUnderWayIsNotTouchedByPause) {
    const Id id = add();
    loop.advance(1s);
    scheduler.pause(id);
    EXPECT_EQ(state(id), State::running);
    scheduler.resume(id);
    end(id);
    EXPECT_EQ(state(id), State::waiting);
}

TEST_F(SchedulerTest, WhoIsHeldBackIsNotPolledAndNothingIsForgotten) {
    const Id id = add();
    const Id other = add();
    loop.advance(1s);
    take_started();
    end(id);
    end(other);
    scheduler.hold_back(id);
    EXPECT_EQ(state(id), State::due);
    scheduler.poll_now(id);
    loop.advance(4min);
    EXPECT_THAT(started, IsEmpty());
    scheduler.let_go(id);
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id)) << "somebody had asked for it";
    end(id);
    scheduler.hold_back(other);
    loop.advance(1h);
    EXPECT_THAT(take_started(), testing::Not(testing::Contains(other)));
    scheduler.let_go(other);
    loop.advance(1s);
    EXPECT_THAT(started, testing::Contains(other)) << "its time had come meanwhile";
}

TEST_F(SchedulerTest, APauseAndAHoldDoNotDisturbEachOther) {
    const Id id = add();
    loop.advance(1s);
    take_started();
    scheduler.hold_back(id);
    scheduler.pause(id);
    end(id);
    EXPECT_EQ(state(id), State::paused);
    scheduler.resume(id);
    scheduler.change(id, {});
    loop.advance(1h);
    EXPECT_THAT(started, IsEmpty());
    scheduler.pause(id);
    scheduler.let_go(id);
    loop.advance(1h);
    EXPECT_THAT(started, IsEmpty());
    scheduler.resume(id);
    loop.advance(1s);
    EXPECT_THAT(started, ElementsAre(id));
}

TEST_F(SchedulerTest, APollThatWasInterruptedIsMadeGoodAndCountsAsNoFailure) {
    const Id id = add();
    loop.advance(1s);
    take_started();
    scheduler.hold_back(id);
    scheduler.interrupted(id);
    loop.advance(1h);
    EXPECT_THAT(started, IsEmpty());
    scheduler.let_go(id);
    loop.advance(1s);
    EXPECT_THAT(started, ElementsAre(id));
    EXPECT_EQ(scheduler.view(id).failures, 0U);
}

TEST_F(SchedulerTest, QuietHoursAreSleptThroughButNotByPollNow) {
    Pacing pacing;
    pacing.mailbox = "m";
    const std::time_t at = std::chrono::system_clock::to_time_t(loop.wall_now());
    std::tm local{};
    localtime_r(&at, &local);
    const Duration now = std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min);
    const Duration in_an_hour = (now + 1h) % 24h;
    const Duration in_three_hours = (now + 3h) % 24h;
    pacing.active = ActiveHours{in_an_hour, in_three_hours};
    const Id id = scheduler.add(pacing);
    loop.advance(1s);
    EXPECT_EQ(state(id), State::asleep);
    loop.advance(58min);
    EXPECT_THAT(started, IsEmpty());
    scheduler.poll_now(id);
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id));
    end(id);
    std::size_t polls = 0;
    for (int minute = 0; minute < 240; ++minute) {
        loop.advance(1min);
        polls += started.size();
        for (const Id one : take_started()) {
            end(one);
        }
    }
    EXPECT_GE(polls, 22U);
    EXPECT_LE(polls, 26U) << "two hours of five minutes";
}

TEST_F(SchedulerTest, AJumpOfTheCalendarIsSeenWithinMinutes) {
    Pacing pacing;
    pacing.mailbox = "m";
    loop.set_wall_time(loop.wall_now());
    const std::time_t at = std::chrono::system_clock::to_time_t(loop.wall_now());
    std::tm local{};
    localtime_r(&at, &local);
    const Duration now = std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min);
    pacing.active = ActiveHours{(now + 12h) % 24h, (now + 13h) % 24h};
    const Id id = scheduler.add(pacing);
    loop.advance(1s);
    ASSERT_EQ(state(id), State::asleep);
    loop.set_wall_time(loop.wall_now() + 12h + 5min);
    loop.advance(10min);
    EXPECT_THAT(take_started(), ElementsAre(id));
}

TEST_F(SchedulerTest, RemovedIsNeverHeardOfAgain) {
    const Id running = add();
    const Id waiting = add();
    loop.advance(50ms);
    ASSERT_THAT(take_started(), ElementsAre(running));
    scheduler.remove(running);
    scheduler.remove(waiting);
    loop.advance(24h);
    EXPECT_THAT(started, IsEmpty());
    EXPECT_EQ(scheduler.figures().accounts, 0U);
    EXPECT_EQ(scheduler.figures().running, 0U);
}

TEST_F(SchedulerTest, AChangeKeepsWhatWasLearned) {
    const Id id = add();
    loop.advance(1s);
    take_started();
    Outcome outcome;
    outcome.login_delay = 1h;
    scheduler.ended(id, outcome);
    Pacing pacing;
    pacing.interval = 10s;
    pacing.mailbox = "other";
    scheduler.change(id, pacing);
    EXPECT_EQ(scheduler.view(id).interval, 1h);
    loop.advance(59min);
    EXPECT_THAT(started, IsEmpty()) << "a change is no reason to log in too soon (P-026)";
    loop.advance(2min);
    EXPECT_THAT(take_started(), ElementsAre(id));
}

TEST_F(SchedulerTest, WhatHasChangedIsLookedAtSoon) {
    const Id id = add();
    loop.advance(1s);
    take_started();
    end(id);
    scheduler.change(id, {});
    loop.advance(1s);
    EXPECT_THAT(take_started(), ElementsAre(id));
}

TEST_F(SchedulerTest, AStoppedSchedulerStartsNothing) {
    const Id id = add();
    add();
    loop.advance(50ms);
    ASSERT_THAT(take_started(), ElementsAre(id));
    scheduler.stop();
    end(id);
    scheduler.poll_now(id);
    loop.advance(24h);
    EXPECT_THAT(started, IsEmpty());
}

TEST_F(SchedulerTest, APollWithoutProgressIsGivenUpAfterItsPatience) {
    const Id id = add();
    loop.advance(1s);
    for (int i = 0; i < 5; ++i) {
        loop.advance(1h);
        scheduler.on_progress(id);
    }
    EXPECT_THAT(given_up, IsEmpty()) << "it may take as long as it moves";
    loop.advance(75min);
    EXPECT_THAT(given_up, ElementsAre(std::pair(id, Scheduler::Waste::stuck)));
    EXPECT_EQ(state(id), State::waiting);
}

//
TEST_F(SchedulerTest, TarpitsDoNotKeepOthersOutOfTheirPlaces) {
    std::vector<Id> tarpits;
    for (int i = 0; i < 6; ++i) {
        tarpits.push_back(add(5min, "tarpit" + std::to_string(i)));
    }
    const Id good = add(5min, "good");
    loop.advance(5s);
    EXPECT_THAT(take_started(), ElementsAre(tarpits[0], tarpits[1], tarpits[2], tarpits[3]));
    loop.advance(40s);
    EXPECT_EQ(given_up.size(), 2U) << "half of the places are theirs";
    EXPECT_EQ(given_up.front().second, Scheduler::Waste::sluggish);
    loop.advance(60s);
    EXPECT_THAT(started, ::testing::Contains(good));
}

TEST_F(SchedulerTest, NobodyIsGivenUpWhileNobodyWaits) {
    for (int i = 0; i < 4; ++i) {
        add(5min, "tarpit" + std::to_string(i));
    }
    loop.advance(10min);
    EXPECT_EQ(started.size(), 4U);
    EXPECT_THAT(given_up, IsEmpty());
}

TEST_F(SchedulerTest, WhoHasShownTheMailboxIsNotGivenUpForOthers) {
    for (int i = 0; i < 8; ++i) {
        add(5min, "host" + std::to_string(i));
    }
    loop.advance(1s);
    for (const Id id : started) {
        scheduler.on_progress(id);
    }
    loop.advance(10min);
    EXPECT_THAT(given_up, IsEmpty());
}

TEST_F(SchedulerTest, WhoWaitedForADestinationComesBackSpreadOut) {
    scheduler.set_limits({200, 200});
    std::vector<Id> ids;
    for (int i = 0; i < 200; ++i) {
        ids.push_back(add(5min, "host" + std::to_string(i)));
    }
    loop.advance(10s);
    ASSERT_EQ(take_started().size(), 200U);
    Outcome outcome;
    outcome.ending = Ending::destination;
    outcome.again_after = 60s;
    for (const Id id : ids) {
        scheduler.ended(id, outcome);
    }
    loop.advance(59900ms);
    EXPECT_THAT(started, IsEmpty());
    loop.advance(400ms);
    EXPECT_GT(started.size(), 20U);
    EXPECT_LT(started.size(), 100U) << "200 accounts, of which 200 may run, take a second";
    loop.advance(1s);
    EXPECT_EQ(started.size(), 200U);
}

}  // namespace
}  // namespace postrider::engine
