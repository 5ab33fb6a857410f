#include "app/process/out_of_memory.h"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

TEST(OutOfMemory, EndsTheProcessForNowWithALineForAPerson) {
    EXPECT_EXIT(end_without_memory(), testing::ExitedWithCode(75), "^postrider: out of memory: .*");
}

}  // namespace
}  // namespace postrider::app
