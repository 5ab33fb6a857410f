#include "sink/maildir_index.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "postrider/base/files.h"

#include "support/temp_dir.h"

namespace postrider::sink {
namespace {

class MaildirIndexTest : public testing::Test {
  protected:
    std::string maildir(const std::string& name) {
        for (const char* const directory : {"/new", "/cur"}) {
            std::filesystem::create_directories((dir / name) + directory);
        }
        return dir / name;
    }

    test::TempDir dir;
};

TEST(MaildirName, IsReadBackWhateverAReaderPutsBehindIt) {
    const std::string id = "0123456789abcdeffedcba9876543210";
    const std::string name = maildir_name(1700000000, id);
    EXPECT_EQ(name, "1700000000." + id + ".postrider");
    EXPECT_EQ(maildir_name(-5, id), "0." + id + ".postrider");
    for (const char* const behind : {"", ":2,", ":2,RS", ",S=12,W=14:2,S", ";2,S", "!2,S"}) {
        EXPECT_EQ(id_in_maildir_name(name + behind), 0x0123456789abcdefU) << behind;
    }
    for (const std::string& other :
         {std::string(), std::string("x"), "1." + id, "1." + id + ".postriders",
          "1." + id.substr(1) + ".postrider", "1.g" + id.substr(1) + ".postrider"}) {
        EXPECT_EQ(id_in_maildir_name(other), std::nullopt) << other;
    }
}

TEST_F(MaildirIndexTest, KnowsWhatLiesThereAndWhatIsAdded) {
    const std::string path = maildir("m");
    const std::string lies_in_cur = std::string(32, 'a');
    test::write_whole(path + "/cur/" + maildir_name(1, lies_in_cur) + ":2,S", "");
    const auto opened = make_directories(path, "cannot");
    MaildirIndex index;
    EXPECT_TRUE(index.contains(opened->get(), path, lies_in_cur).value());
    const std::string added = std::string(32, 'b');
    EXPECT_FALSE(index.contains(opened->get(), path, added).value());
    index.add(path, added);
    EXPECT_TRUE(index.contains(opened->get(), path, added).value());
}

TEST_F(MaildirIndexTest, BeyondItsLimitItForgetsAMaildirAndLooksAgain) {
    MaildirIndex index(2);
    const std::string one = maildir("one");
    const std::string two = maildir("two");
    const auto first = make_directories(one, "cannot");
    const auto second = make_directories(two, "cannot");
    EXPECT_FALSE(index.contains(first->get(), one, std::string(32, '1')).value());
    index.add(one, std::string(32, '1'));  // and no file: so it shows when it looks again
    EXPECT_FALSE(index.contains(second->get(), two, std::string(32, '2')).value());
    index.add(two, std::string(32, '2'));
    EXPECT_TRUE(index.contains(first->get(), one, std::string(32, '1')).value());
    EXPECT_TRUE(index.contains(second->get(), two, std::string(32, '2')).value());
    index.add(two, std::string(32, '3'));
    EXPECT_FALSE(index.contains(first->get(), one, std::string(32, '1')).value());
    EXPECT_TRUE(index.contains(second->get(), two, std::string(32, '3')).value());
}

TEST_F(MaildirIndexTest, SaysWhyItCannotLook) {
    const auto opened = make_directories(dir / "empty", "cannot");
    MaildirIndex index;
    const auto contained = index.contains(opened->get(), dir / "empty", std::string(32, 'a'));
    ASSERT_FALSE(contained);
    EXPECT_EQ(contained.error().text,
              "cannot look through " + (dir / "empty") + ": No such file or directory");
}

}  // namespace
}  // namespace postrider::sink
