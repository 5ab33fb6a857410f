#include "postrider/base/secret_comparison.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

TEST(SecretComparison, KnowsWhetherASecretHasChanged) {
    EXPECT_TRUE(Secret("hunter2") == Secret("hunter2"));
    EXPECT_FALSE(Secret("hunter2") == Secret("hunter3"));
    EXPECT_FALSE(Secret("hunter2") == Secret("hunter"));
    EXPECT_TRUE(Secret() == Secret(""));
}

}  // namespace
}  // namespace postrider
