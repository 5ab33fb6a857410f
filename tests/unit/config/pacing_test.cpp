#include "config/pacing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::IsEmpty;

class PacingConfig : public ConfigFiles {
  protected:
    [[nodiscard]] AccountConfig account(const std::string& lines,
                                        const std::string& head = {}) const {
        LoadResult result = load_text(head + std::string(kGood) + lines);
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config ? result.config->accounts.front() : AccountConfig();
    }
};

TEST_F(PacingConfig, ByDefaultEveryFiveMinutesAtAnyHour) {
    const AccountConfig plain = account("");
    EXPECT_EQ(plain.poll_every, minutes(5));
    EXPECT_EQ(plain.poll_every_most, seconds(0));
    EXPECT_EQ(plain.poll_at_least, seconds(0));
    EXPECT_FALSE(plain.active);
}

TEST_F(PacingConfig, AnIntervalMayMove) {
    const AccountConfig moving = account("    poll_every: {min: 10s, max: 1h}\n");
    EXPECT_EQ(moving.poll_every, seconds(10));
    EXPECT_EQ(moving.poll_every_most, hours(1));
    const AccountConfig half = account("    poll_every: {max: 1h}\n");
    EXPECT_EQ(half.poll_every, seconds(30));
}

TEST_F(PacingConfig, AFixedIntervalWinsOverAMovingDefault) {
    const AccountConfig fixed =
        account("    poll_every: 1m\n", "defaults: {poll_every: {min: 10s, max: 1h}}\n");
    EXPECT_EQ(fixed.poll_every, minutes(1));
    EXPECT_EQ(fixed.poll_every_most, seconds(0));
}

TEST_F(PacingConfig, HoursOfTheDay) {
    EXPECT_EQ(account("    active: 07:00-23:00\n").active, (ActiveHours{hours(7), hours(23)}));
    EXPECT_EQ(account("    active: '22:30 - 6:15'\n").active,
              (ActiveHours{hours(22) + minutes(30), hours(6) + minutes(15)}));
    EXPECT_EQ(account("    active: 00:00-24:00\n").active, (ActiveHours{hours(0), hours(24)}));
    EXPECT_FALSE(account("    active: always\n", "defaults: {active: 07:00-23:00}\n").active);
}

TEST_F(PacingConfig, WhatTheProviderAsksFor) {
    EXPECT_EQ(account("    poll_at_least: 15m\n").poll_at_least, minutes(15));
}

}  // namespace
}  // namespace postrider::config
