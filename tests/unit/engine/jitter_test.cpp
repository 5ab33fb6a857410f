#include "postrider/engine/jitter.h"

#include <gtest/gtest.h>

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;

TEST(Jitter, StaysWithinItsBoundsAndFillsThem) {
    Jitter jitter(7);
    double lowest = 10;
    double highest = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double drawn = jitter.between(2, 3);
        EXPECT_GE(drawn, 2);
        EXPECT_LT(drawn, 3);
        lowest = std::min(lowest, drawn);
        highest = std::max(highest, drawn);
    }
    EXPECT_LT(lowest, 2.01);
    EXPECT_GT(highest, 2.99);
}

TEST(Jitter, IsTheSameForTheSameSeed) {
    Jitter a(1);
    Jitter b(1);
    Jitter c(2);
    const Duration first = a.scaled(1h, 0.5, 1.5);
    EXPECT_EQ(b.scaled(1h, 0.5, 1.5), first);
    EXPECT_NE(c.scaled(1h, 0.5, 1.5), first);
}

}  // namespace
}  // namespace postrider::engine
