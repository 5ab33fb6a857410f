#include "store/random_octets.h"

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

TEST(RandomOctets, AreAsManyAsAskedForAndNeverTheSame) {
    EXPECT_EQ(octets_of_the_kernel(0).size(), 0U);
    EXPECT_EQ(octets_of_the_kernel(256).size(), 256U);
    EXPECT_NE(octets_of_the_kernel(32), octets_of_the_kernel(32));
}

}  // namespace
}  // namespace postrider::store
