#include "mail/spool_file.h"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postrider::mail {
namespace {

using Create = Expected<SpoolFile> (*)(const std::string&);

/// Both ways to make the file keep the same promises.
class SpoolFileTest : public testing::TestWithParam<Create> {
  protected:
    void SetUp() override {
        std::string path = testing::TempDir() + "postrider-spool-XXXXXX";
        ASSERT_NE(::mkdtemp(path.data()), nullptr);
        directory_ = path;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] SpoolFile create() const {
        auto file = GetParam()(directory_.string());
        EXPECT_TRUE(file) << file.error().text;
        return std::move(*file);
    }

    std::filesystem::path directory_;
};

/// The open descriptors of this process that lie in `directory`.
std::vector<int> descriptors_in(const std::filesystem::path& directory) {
    std::vector<int> found;
    for (int fd = 0; fd < 256; ++fd) {
        std::error_code error;
        const auto target =
            std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
        if (!error && target.string().starts_with(directory.string())) found.push_back(fd);
    }
    return found;
}

TEST_P(SpoolFileTest, GivesBackWhatWasWrittenFromAnyOffset) {
    SpoolFile file = create();
    ASSERT_TRUE(file.write("01234"));
    ASSERT_TRUE(file.write(""));
    ASSERT_TRUE(file.write("56789"));
    std::array<char, 4> into{};
    ASSERT_TRUE(file.read(3, into));
    EXPECT_EQ(std::string_view(into.data(), into.size()), "3456");
    ASSERT_TRUE(file.read(0, into));
    EXPECT_EQ(std::string_view(into.data(), into.size()), "0123");
}

TEST_P(SpoolFileTest, ReadingBeyondTheEndIsAnError) {
    SpoolFile file = create();
    ASSERT_TRUE(file.write("01234"));
    std::array<char, 4> into{};
    const auto got = file.read(3, into);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::io);
    EXPECT_EQ(got.error().retry, Retry::later);
}

TEST_P(SpoolFileTest, HasNoNameIsPrivateAndClosesOnExec) {
    const SpoolFile file = create();
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
    const auto open = descriptors_in(directory_);
    ASSERT_EQ(open.size(), 1U);
    struct stat status {};
    ASSERT_EQ(::fstat(open[0], &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(status.st_nlink, 0U);
    EXPECT_NE(::fcntl(open[0], F_GETFD) & FD_CLOEXEC, 0);
}

TEST_P(SpoolFileTest, ClosesOnceWhoeverItWasMovedTo) {
    {
        SpoolFile first = create();
        SpoolFile second = std::move(first);
        SpoolFile third = create();
        ASSERT_TRUE(second.write("a"));
        third = std::move(second);
        std::array<char, 1> into{};
        EXPECT_TRUE(third.read(0, into));
        EXPECT_EQ(into[0], 'a');
    }
    EXPECT_TRUE(descriptors_in(directory_).empty());
}

TEST_P(SpoolFileTest, AMissingDirectoryIsAnErrorThatNamesIt) {
    const auto file = GetParam()((directory_ / "missing").string());
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::io);
    EXPECT_EQ(file.error().retry, Retry::later);
    EXPECT_THAT(file.error().text, testing::HasSubstr((directory_ / "missing").string()));
    EXPECT_THAT(file.error().text, testing::HasSubstr("No such file or directory"));
}

INSTANTIATE_TEST_SUITE_P(BothWays, SpoolFileTest,
                         testing::Values(&SpoolFile::create, &SpoolFile::create_and_unlink));

}  // namespace
}  // namespace postrider::mail
