#include "config/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

std::optional<std::string> exposure_of(mode_t mode, uid_t owner) {
    FileFacts facts;
    facts.mode = mode;
    facts.owner = owner;
    return exposure(facts);
}

TEST(Exposure, LetsTheOwnerReadAndAGroupOnlyOfRoot) {
    for (const mode_t mode : {0400U, 0600U, 0700U}) {
        EXPECT_EQ(exposure_of(mode, 1000), std::nullopt) << mode;
        EXPECT_EQ(exposure_of(mode, 0), std::nullopt) << mode;
    }
    for (const mode_t mode : {0440U, 0640U}) {
        EXPECT_EQ(exposure_of(mode, 0), std::nullopt) << mode;
        EXPECT_NE(exposure_of(mode, 1000), std::nullopt) << mode;
    }
    for (const mode_t mode : {0604U, 0602U, 0601U, 0620U, 0660U, 0644U, 0666U}) {
        EXPECT_NE(exposure_of(mode, 0), std::nullopt) << mode;
        EXPECT_NE(exposure_of(mode, 1000), std::nullopt) << mode;
    }
}

class ReadFile : public ConfigFiles {};

TEST_F(ReadFile, RefusesAFifoWithoutWaitingForAWriter) {
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    const auto content = read_file(path("fifo"), 10);
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().text, "is not a regular file");
}

TEST_F(ReadFile, HoldsItsLimit) {
    write("f", "0123456789");
    EXPECT_EQ(read_file(path("f"), 10)->bytes, "0123456789");
    EXPECT_FALSE(read_file(path("f"), 9));
    EXPECT_EQ(read_file(path("f"), 10)->facts.mode, 0600U);
}

}  // namespace
}  // namespace postrider::config
