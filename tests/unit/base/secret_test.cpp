#include "postrider/base/secret.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

TEST(Secret, LeavesNothingBehindWhenMovedFrom) {
    Secret a("correct horse battery staple and more than a small string");
    const char* const old_bytes = a.reveal().data();
    const Secret b(std::move(a));
    EXPECT_EQ(b.reveal().data(), old_bytes);
    EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the point of the test
}

TEST(Secret, SmallStringIsWiped) {
    std::string small = "pw";
    wipe(small);
    EXPECT_TRUE(small.empty());
    EXPECT_EQ(small.data()[0], '\0');
    EXPECT_EQ(small.data()[1], '\0');
}

TEST(Secret, CopiesAreIndependent) {
    Secret a("one");
    Secret b;
    b = a;
    a = Secret("two");
    EXPECT_EQ(b.reveal(), "one");
    EXPECT_EQ(a.reveal(), "two");
}

}  // namespace
}  // namespace postrider
