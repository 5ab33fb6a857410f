#include "engine/starting_line.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StartingLineTest : public ::testing::Test {
  protected:
    /// Due later than all before; a mailbox of its own unless one is named.
    void enter(StartingLine::Id id, const std::string& host = "h", std::string mailbox = {},
               bool is_sluggish = false) {
        if (mailbox.empty()) {
            mailbox = "m" + std::to_string(id);
        }
        line.enter({id, MonotonicTime(due += 1s), host, mailbox, is_sluggish});
    }

    std::vector<StartingLine::Id> start_all() {
        std::vector<StartingLine::Id> started;
        while (const auto id = line.next()) {
            started.push_back(*id);
        }
        return started;
    }

    Duration due{};
    StartingLine line{{4, 2}};
};

TEST_F(StartingLineTest, WhoIsDueForLongestGoesFirst) {
    line.enter({1, MonotonicTime(30s), "a", "1", false});
    line.enter({2, MonotonicTime(10s), "b", "2", false});
    line.enter({3, MonotonicTime(20s), "c", "3", false});
    EXPECT_THAT(start_all(), ElementsAre(2, 3, 1));
}

TEST_F(StartingLineTest, KeepsTheLimits) {
    for (StartingLine::Id id = 1; id <= 3; ++id) {
        enter(id, "busy");
    }
    for (StartingLine::Id id = 4; id <= 8; ++id) {
        enter(id, "host" + std::to_string(id));
    }
    EXPECT_THAT(start_all(), ElementsAre(1, 2, 4, 5));
    EXPECT_TRUE(line.is_full());
    EXPECT_EQ(line.waiting(), 4U);
    line.leave(5);
    EXPECT_THAT(start_all(), ElementsAre(6)) << "the host of 3 has no room";
    line.leave(1);
    EXPECT_THAT(start_all(), ElementsAre(3));
}

// P-032
TEST_F(StartingLineTest, OneMailboxIsPolledByOneAtATime) {
    enter(1, "a", "shared");
    enter(2, "a", "shared");
    enter(3, "a", "shared");
    enter(4, "a", "other");
    EXPECT_THAT(start_all(), ElementsAre(1, 4));
    line.leave(4);
    EXPECT_THAT(start_all(), IsEmpty());
    line.leave(2);  // one that waits may go away
    line.leave(1);
    EXPECT_THAT(start_all(), ElementsAre(3));
    line.leave(3);
    EXPECT_EQ(line.running(), 0U);
    EXPECT_EQ(line.waiting(), 0U);
}

//
TEST_F(StartingLineTest, TheSluggishHaveHalfOfThePlaces) {
    for (StartingLine::Id id = 1; id <= 4; ++id) {
        enter(id, "slow" + std::to_string(id), {}, true);
    }
    EXPECT_THAT(start_all(), ElementsAre(1, 2));
    EXPECT_FALSE(line.is_full()) << "others could still run";
    enter(5, "quick5");
    enter(6, "quick6");
    EXPECT_THAT(start_all(), ElementsAre(5, 6));
    line.leave(5);
    EXPECT_THAT(start_all(), IsEmpty());
    line.leave(3);
    line.leave(1);
    EXPECT_THAT(start_all(), ElementsAre(4));
}

TEST_F(StartingLineTest, TheSluggishAreNotHeldUpByOneOfThemWhoseMailboxIsBusy) {
    line.set_limits({2, 2});
    enter(1, "a", "shared");
    enter(2, "a", "x", true);
    enter(3, "a", "shared", true);
    enter(4, "b", "y", true);
    EXPECT_THAT(start_all(), ElementsAre(1, 2));
    line.leave(2);
    EXPECT_THAT(start_all(), ElementsAre(4));
    line.leave(4);
    line.leave(1);
    EXPECT_THAT(start_all(), ElementsAre(3));
}

TEST_F(StartingLineTest, NewLimitsCountAtOnce) {
    for (StartingLine::Id id = 1; id <= 6; ++id) {
        enter(id);
    }
    EXPECT_THAT(start_all(), ElementsAre(1, 2));
    line.set_limits({5, 5});
    EXPECT_THAT(start_all(), ElementsAre(3, 4, 5));
    line.set_limits({1, 1});
    line.leave(1);
    EXPECT_THAT(start_all(), IsEmpty());
    EXPECT_TRUE(line.is_running(2));
    EXPECT_FALSE(line.is_running(6));
}

TEST_F(StartingLineTest, WhoIsUnknownMayLeave) {
    line.leave(99);
    EXPECT_EQ(line.waiting(), 0U);
}

}  // namespace
}  // namespace postrider::engine
