#include "engine/quirks.h"

#include <gtest/gtest.h>

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{1'767'225'600s};

//
TEST(Quirks, AreBelievedForThirtyDays) {
    const store::AccountState state = with_quirks({}, {.no_capa = true}, kNow);
    EXPECT_TRUE(quirks_of(state, kNow).no_capa);
    EXPECT_FALSE(quirks_of(state, kNow).no_pipelining);
    EXPECT_TRUE(quirks_of(state, kNow + 24h * 30 - 1ms).no_capa);
    EXPECT_FALSE(quirks_of(state, kNow + 24h * 30).no_capa);
}

TEST(Quirks, AClockThatWasSetBackMakesNoneEternal) {
    const store::AccountState state = with_quirks({}, {.no_capa = true}, kNow + 24h * 3650);
    EXPECT_FALSE(quirks_of(state, kNow).no_capa);
}

TEST(Quirks, AreRememberedFromTheDayTheyWereLearned) {
    const store::AccountState first = with_quirks({}, {.no_capa = true}, kNow);
    const store::AccountState later =
        with_quirks(first, {.no_capa = true, .no_pipelining = true}, kNow + 24h);
    EXPECT_EQ(later.quirks.at("no-capa"), first.quirks.at("no-capa"));
    EXPECT_EQ(later.quirks.at("no-pipelining"), kNow + 24h * 31);
}

TEST(Quirks, WhatHasExpiredGoesAndTheRestOfTheStateStays) {
    store::AccountState state = with_quirks({}, {.no_capa = true}, kNow);
    state.needs_settling = true;
    const store::AccountState later = with_quirks(state, {}, kNow + 24h * 31);
    EXPECT_TRUE(later.quirks.empty());
    EXPECT_TRUE(later.needs_settling);
}

// P-026: also over a restart.
TEST(Quirks, TheNextLoginIsRemembered) {
    const store::AccountState state = with_login({}, 10min, kNow);
    EXPECT_EQ(no_login_before(state, kNow + 1min), kNow + 10min);
    EXPECT_FALSE(no_login_before(state, kNow + 10min));
    EXPECT_FALSE(no_login_before({}, kNow));
    EXPECT_FALSE(no_login_before(state, kNow - 24h * 365)) << "the clock was set back";
    EXPECT_TRUE(with_quirks(state, {}, kNow + 11min).quirks.empty());
}

//
TEST(Quirks, AreToldAsLongAsTheyAreBelieved) {
    const store::AccountState state =
        with_login(with_quirks({}, {.no_capa = true}, kNow), std::chrono::minutes(5), kNow);
    const std::map<std::string, WallTime> expected = {{"no-capa", kNow + 24h * 30}};
    EXPECT_EQ(learned(state, kNow), expected);
    EXPECT_TRUE(learned(state, kNow + 24h * 30).empty());
}

}  // namespace
}  // namespace postrider::engine
