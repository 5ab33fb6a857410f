#include "postrider/engine/fate.h"

#include <gtest/gtest.h>

#include "postrider/engine/policy.h"

#include "support/fake_sink.h"

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{1'767'225'600s};

Fate fate(const sink::Verdict& verdict, std::optional<WallTime> failing_since = std::nullopt) {
    return fate_of(verdict, {RefusalPolicy()}, failing_since, kNow);
}

TEST(Fate, FollowsTheOutcome) {
    EXPECT_EQ(fate(test::accepted()), Fate::settled);
    EXPECT_EQ(fate(test::put_off()), Fate::retry);
    EXPECT_EQ(fate(test::refused(550)), Fate::hold);
    EXPECT_EQ(fate({sink::Outcome::ambiguous, 0, "", "no answer"}), Fate::retry);
}

TEST(Fate, TemporaryTroubleIsRetriedHoweverLong) {
    EXPECT_EQ(fate(test::put_off(), kNow - 24h * 365), Fate::retry);
}

class FateOfAFullMailbox : public ::testing::TestWithParam<sink::Verdict> {};

TEST_P(FateOfAFullMailbox, IsRetriedForThreeDaysThenHeld) {
    EXPECT_EQ(fate(GetParam()), Fate::retry);
    EXPECT_EQ(fate(GetParam(), kNow - 72h + 1ms), Fate::retry);
    EXPECT_EQ(fate(GetParam(), kNow - 72h), Fate::hold);
}

INSTANTIATE_TEST_SUITE_P(AllCodes, FateOfAFullMailbox,
                         ::testing::Values(test::refused(552, ""), test::refused(550, "5.2.2"),
                                           test::refused(550, "5.2.3"),
                                           test::refused(554, "5.3.4")));

TEST(Fate, DetailsThatOnlyEndAlikeAreNotAboutRoom) {
    EXPECT_EQ(fate(test::refused(550, "5.12.2")), Fate::hold);
    EXPECT_EQ(fate(test::refused(550, "5.2.21")), Fate::hold);
    EXPECT_EQ(fate(test::refused(551, "5.1.1")), Fate::hold);
}

TEST(Fate, WordsShowCodeAndEnhancedCode) {
    EXPECT_EQ(in_words(test::refused(550, "5.1.1")), "550 5.1.1 no");
    EXPECT_EQ(in_words(test::refused(550, "")), "550 no");
    EXPECT_EQ(in_words({sink::Outcome::later, 0, "", "connection lost"}), "connection lost");
}

}  // namespace
}  // namespace postrider::engine
