#include "app/alerts/alarm.h"

#include <gmock/gmock.h>

namespace postrider::app {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AlarmTest : public ::testing::Test {
  protected:
    void trouble(const std::string& text, bool needs_attention = false) {
        alarm.see(alice, text, needs_attention, now);
    }
    void well() { alarm.see(alice, std::nullopt, false, now); }
    std::vector<Alert> due() { return alarm.due(now); }

    const Subject alice{"account", "alice"};
    WallTime now{1h};
    Alarm alarm{15min};
};

TEST_F(AlarmTest, TellsTroubleThatLastsAndItsEnd) {
    trouble("no answer");
    EXPECT_THAT(due(), IsEmpty());
    now += 14min;
    trouble("no answer still");
    EXPECT_THAT(due(), IsEmpty());
    now += 1min;
    const auto told = due();
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].about, alice);
    EXPECT_FALSE(told[0].is_recovery);
    EXPECT_EQ(told[0].text, "no answer still");
    EXPECT_EQ(told[0].since, WallTime{1h});
    now += 24h;
    trouble("another one");
    EXPECT_THAT(due(), IsEmpty()) << "told once";
    well();
    EXPECT_THAT(due(), IsEmpty());
    now += 15min;
    well();
    const auto over = due();
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_TRUE(over[0].is_recovery);
    EXPECT_THAT(due(), IsEmpty());
    EXPECT_EQ(alarm.watched(), 0U);
}

TEST_F(AlarmTest, WhatIsSoonOverIsNotTold) {
    for (int i = 0; i < 10; ++i) {
        trouble("flickers");
        now += 10min;
        EXPECT_THAT(due(), IsEmpty());
        well();
        now += 1h;
        EXPECT_THAT(due(), IsEmpty());
    }
    EXPECT_EQ(alarm.watched(), 0U);
}

TEST_F(AlarmTest, ToldTroubleThatFlickersIsNotToldAgain) {
    trouble("no answer");
    now += 15min;
    EXPECT_THAT(due(), SizeIs(1));
    for (int i = 0; i < 10; ++i) {
        well();
        now += 10min;
        EXPECT_THAT(due(), IsEmpty());
        trouble("again");
        now += 1h;
        EXPECT_THAT(due(), IsEmpty());
    }
}

TEST_F(AlarmTest, WhatWaitsForAPersonIsToldAtOnce) {
    trouble("wrong password", true);
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(AlarmTest, WhatCouldNotBeToldIsToldAgain) {
    trouble("no answer");
    now += 15min;
    auto told = due();
    ASSERT_THAT(told, SizeIs(1));
    alarm.untell(told[0]);
    EXPECT_THAT(due(), SizeIs(1));
    EXPECT_THAT(due(), IsEmpty());
    well();
    now += 15min;
    told = due();
    ASSERT_THAT(told, SizeIs(1));
    alarm.untell(told[0]);
    told = due();
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_TRUE(told[0].is_recovery);
    EXPECT_EQ(told[0].text, "no answer");
}

TEST_F(AlarmTest, ARecoveryThatCouldNotBeToldBeforeTheNextTroubleStartsNothingNew) {
    trouble("no answer");
    now += 15min;
    EXPECT_THAT(due(), SizeIs(1));
    well();
    now += 15min;
    const auto over = due();
    ASSERT_THAT(over, SizeIs(1));
    trouble("again");
    alarm.untell(over[0]);
    now += 1h;
    EXPECT_THAT(due(), IsEmpty()) << "nobody was told that it was over";
}

TEST_F(AlarmTest, WhatIsGoneIsForgotten) {
    trouble("no answer");
    alarm.forget(alice);
    now += 1h;
    EXPECT_THAT(due(), IsEmpty());
    EXPECT_EQ(alarm.watched(), 0U);
}

}  // namespace
}  // namespace postrider::app
