#include "postrider/base/out_of_memory.h"

#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

namespace postrider {
namespace {

TEST(OutOfMemoryDeathTest, CallsTheHandlerOfOperatorNew) {
    EXPECT_EXIT(
        {
            std::set_new_handler([] { std::_Exit(9); });
            out_of_memory();
        },
        testing::ExitedWithCode(9), "");
}

TEST(OutOfMemoryDeathTest, AbortsWhereThereIsNone) {
    EXPECT_DEATH(out_of_memory(), "there is memory does not hold");
}

}  // namespace
}  // namespace postrider
