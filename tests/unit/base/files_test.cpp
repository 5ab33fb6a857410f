#include "postrider/base/files.h"

#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temp_dir.h"

namespace postrider {
namespace {

TEST(Files, MakesADirectoryAndWhatIsMissingAboveIt) {
    const test::TempDir dir;
    const std::string path = dir / "a/b/c";
    EXPECT_TRUE(make_directories(path, "cannot")->is_open());
    EXPECT_TRUE(make_directories(path + "/", "cannot")->is_open());
    struct stat facts {};
    ASSERT_EQ(::stat((dir / "a").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST(Files, SaysWhyADirectoryCannotBeMade) {
    const test::TempDir dir;
    test::write_whole(dir / "file", "");
    const auto made = make_directories(dir / "file/a", "cannot use it");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().text, "cannot use it: Not a directory");
    EXPECT_EQ(made.error().code, Errc::config);
}

TEST(Files, ListsNamesWithoutThoseThatBeginWithADot) {
    const test::TempDir dir;
    const auto parent = make_directories(dir.path(), "cannot");
    std::filesystem::create_directory(dir / "d");
    test::write_whole(dir / "d/a", "");
    test::write_whole(dir / "d/.b", "");
    EXPECT_THAT(names_in(parent->get(), "d", "cannot").value(), testing::ElementsAre("a"));
    EXPECT_FALSE(names_in(parent->get(), "none", "cannot"));
}

TEST(Files, ReadsUpToTheLimit) {
    const test::TempDir dir;
    const auto parent = make_directories(dir.path(), "cannot");
    ASSERT_TRUE(replace_file(parent->get(), "f", "12345", "cannot"));
    EXPECT_EQ(read_file(parent->get(), "f", 5, "cannot").value(), "12345");
    EXPECT_FALSE(read_file(parent->get(), "f", 4, "cannot"));
    EXPECT_EQ(read_file(parent->get(), "none", 4, "cannot").value(), std::nullopt);
}

}  // namespace
}  // namespace postrider
