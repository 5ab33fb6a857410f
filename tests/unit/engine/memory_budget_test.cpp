#include "postrider/engine/memory_budget.h"

#include <memory>

#include <gtest/gtest.h>

#include "support/sim_loop.h"

namespace postrider::engine {
namespace {

class MemoryBudgetTest : public ::testing::Test {
  protected:
    test::SimLoop loop;
    MemoryBudget budget{loop, 100};
    int calls = 0;
    MemoryBudget::Share share{budget, [] {}};
};

TEST_F(MemoryBudgetTest, GivesOutExactlyWhatThereIs) {
    EXPECT_TRUE(share.take(100));
    EXPECT_FALSE(share.take(1));
    EXPECT_EQ(budget.used(), 100U);
}

TEST_F(MemoryBudgetTest, TellsOnceFromTheLoopWhenThereIsRoom) {
    ASSERT_TRUE(share.take(100));
    MemoryBudget::Share waiting(budget, [this] { ++calls; });
    EXPECT_FALSE(waiting.take(50));
    EXPECT_FALSE(waiting.take(50));
    loop.run_until_idle();
    EXPECT_EQ(calls, 0);
    share.give_back(50);
    EXPECT_EQ(calls, 0);
    loop.run_until_idle();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(waiting.take(50));
}

TEST_F(MemoryBudgetTest, AMessageLargerThanAllPassesAlone) {
    EXPECT_TRUE(share.take(1000));
    EXPECT_FALSE(share.take(1));
    share.give_back(1000);
    loop.run_until_idle();
    EXPECT_TRUE(share.take(1));
    EXPECT_FALSE(share.take(1000));
}

TEST_F(MemoryBudgetTest, CanBeResized) {
    ASSERT_TRUE(share.take(100));
    MemoryBudget::Share waiting(budget, [this] { ++calls; });
    EXPECT_FALSE(waiting.take(50));
    budget.resize(150);
    loop.run_until_idle();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(waiting.take(50));
    budget.resize(10);
    share.give_back(100);
    loop.run_until_idle();
    EXPECT_FALSE(share.take(1)) << "50 are still taken of 10";
}

TEST_F(MemoryBudgetTest, ADestroyedShareGivesAllBackAndLeavesTheLine) {
    {
        MemoryBudget::Share holder(budget, [] {});
        ASSERT_TRUE(holder.take(100));
        MemoryBudget::Share waiting(budget, [this] { ++calls; });
        EXPECT_FALSE(waiting.take(1));
    }
    loop.run_until_idle();
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(budget.used(), 0U);
}

TEST_F(MemoryBudgetTest, WhenTheFirstInLineGoesTheNextHasItsTurn) {
    ASSERT_TRUE(share.take(50));
    auto first = std::make_unique<MemoryBudget::Share>(budget, [] {});
    EXPECT_FALSE(first->take(60));
    MemoryBudget::Share second(budget, [this] { ++calls; });
    EXPECT_FALSE(second.take(10)) << "overtakes the first";
    first.reset();
    loop.run_until_idle();
    EXPECT_EQ(calls, 1);
}

TEST_F(MemoryBudgetTest, WhoHoldsSomeDoesNotOvertakeWhoWaits) {
    ASSERT_TRUE(share.take(40));
    ASSERT_TRUE(share.take(40));
    bool has_got_it = false;
    std::unique_ptr<MemoryBudget::Share> waiting;
    waiting =
        std::make_unique<MemoryBudget::Share>(budget, [&] { has_got_it = waiting->take(90); });
    EXPECT_FALSE(waiting->take(90));
    for (int i = 0; i < 2; ++i) {
        share.give_back(40);
        EXPECT_FALSE(share.take(40));
        loop.run_until_idle();
    }
    EXPECT_TRUE(has_got_it);
}

//
TEST_F(MemoryBudgetTest, AnInsatiableOneSharesWithTheNextInLine) {
    ASSERT_TRUE(share.take(100));
    std::unique_ptr<MemoryBudget::Share> greedy;
    greedy = std::make_unique<MemoryBudget::Share>(budget, [&] {
        while (greedy->take(10)) {
        }
    });
    EXPECT_FALSE(greedy->take(10));
    std::unique_ptr<MemoryBudget::Share> modest;
    modest =
        std::make_unique<MemoryBudget::Share>(budget, [&] { calls += modest->take(10) ? 1 : 0; });
    EXPECT_FALSE(modest->take(10));
    share.give_back(10);
    loop.run_until_idle();
    EXPECT_EQ(calls, 0) << "greedy was first";
    share.give_back(10);
    loop.run_until_idle();
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace postrider::engine
