#include "postrider/store/state_dir.h"

#include <csignal>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fsync_watch.h"
#include "support/temp_dir.h"

namespace postrider::store {
namespace {

using postrider::test::TempDir;

constexpr uid_t kNobody = 65534;

/// Gives up root's rights for a while; for an ordinary user it changes nothing.
class WithoutRoot {
  public:
    WithoutRoot() : before_(::geteuid()) {
        if (before_ == 0) {
            EXPECT_EQ(::seteuid(kNobody), 0);
        }
    }
    WithoutRoot(const WithoutRoot&) = delete;
    WithoutRoot& operator=(const WithoutRoot&) = delete;
    ~WithoutRoot() { EXPECT_EQ(::seteuid(before_), 0); }

  private:
    uid_t before_;
};

class StateDirTest : public testing::Test {
  protected:
    void expect_config_error(const std::string& path, const std::string& part_of_text) {
        const auto opened = StateDir::open(path);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::config) << opened.error().text;
        EXPECT_EQ(opened.error().retry, Retry::never);
        EXPECT_NE(opened.error().text.find(part_of_text), std::string::npos) << opened.error().text;
    }
    [[nodiscard]] static mode_t mode_of(const std::string& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777U;
    }

    TempDir parent_;
    std::string path_ = parent_ / "state";
};

// Or a power cut takes it with the ledger and the held mail in it.
TEST_F(StateDirTest, OneWhoseMakerEndedAtOnceGetsADurableName) {
    std::filesystem::create_directory(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    const test::FsyncWatch watch;
    ASSERT_TRUE(StateDir::open(path_));
    EXPECT_TRUE(watch.has_synced(parent_.path()));
}

TEST_F(StateDirTest, AnFsyncOfItsParentThatFailsIsTold) {
    test::FsyncWatch watch;
    watch.fail(parent_.path(), EIO);
    for (int i = 0; i < 2; ++i) {
        const auto opened = StateDir::open(path_);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::io);
        EXPECT_NE(opened.error().text.find("durable"), std::string::npos);
    }
    watch.fail(parent_.path(), EINVAL);  // a file system that fsyncs no directories
    EXPECT_TRUE(StateDir::open(path_));
}

//
TEST_F(StateDirTest, IsMadePrivate) {
    const auto opened = StateDir::open(path_);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(opened->path(), path_);
    EXPECT_EQ(mode_of(path_), 0700U);
    EXPECT_EQ(mode_of(opened->spool_path()), 0700U);
    EXPECT_EQ(opened->ledger_path(), path_ + "/ledger.db");
    EXPECT_EQ(opened->held_path(), path_ + "/held");
}

TEST_F(StateDirTest, ATrailingSlashDoesNotMatter) {
    const auto opened = StateDir::open(path_ + "//");
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(opened->path(), path_);
}

TEST_F(StateDirTest, AMissingParentIsNotMade) {
    expect_config_error(path_ + "/deeper", "parent directory");
    EXPECT_FALSE(std::filesystem::exists(path_));
}

//
TEST_F(StateDirTest, ASymbolicLinkIsRefused) {
    std::filesystem::create_directory(parent_ / "target");
    std::filesystem::create_directory_symlink(parent_ / "target", path_);
    expect_config_error(path_, "symbolic link");
    expect_config_error(path_ + "/", "symbolic link");
    EXPECT_TRUE(std::filesystem::is_empty(parent_ / "target"));
}

// U-003: where StateDirectory= leads with DynamicUser=.
TEST_F(StateDirTest, ALinkThatOnlyRootCanHaveMadeIsFollowed) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make one";
    }
    ASSERT_EQ(::chmod(parent_.path().c_str(), 0755), 0);
    const std::string target = parent_ / "target";
    std::filesystem::create_directory(target);
    ASSERT_EQ(::chmod(target.c_str(), 0700), 0);
    ASSERT_EQ(::chown(target.c_str(), kNobody, kNobody), 0);
    std::filesystem::create_directory_symlink(target, path_);
    {
        const WithoutRoot without_root;
        const auto opened = StateDir::open(path_);
        ASSERT_TRUE(opened) << opened.error().text;
        EXPECT_EQ(opened->path(), target);
    }
    expect_config_error(path_, "symbolic link");
    ASSERT_EQ(::chmod(parent_.path().c_str(), 0777), 0);
    const WithoutRoot without_root;
    expect_config_error(path_, "symbolic link");
}

TEST_F(StateDirTest, ALinkOfAnybodyElseIsRefused) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give links away";
    }
    ASSERT_EQ(::chmod(parent_.path().c_str(), 0755), 0);
    std::filesystem::create_directory(parent_ / "target");
    std::filesystem::create_directory_symlink(parent_ / "target", path_);
    ASSERT_EQ(::lchown(path_.c_str(), kNobody, kNobody), 0);
    const WithoutRoot without_root;
    expect_config_error(path_, "symbolic link");
}

TEST_F(StateDirTest, AFileIsRefused) {
    postrider::test::write_whole(path_, "");
    expect_config_error(path_, "set state_dir to a directory");
}

//
TEST_F(StateDirTest, ADirectoryThatOthersMayWriteToIsRefused) {
    std::filesystem::create_directory(path_);
    for (const mode_t mode : {0720U, 0702U}) {
        ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
        expect_config_error(path_, "chmod go-w");
    }
    ASSERT_EQ(::chmod(path_.c_str(), 0755), 0);
    EXPECT_TRUE(StateDir::open(path_));
}

//
TEST_F(StateDirTest, ADirectoryOfAnotherUserIsRefused) {
    if (::geteuid() == 0) {
        std::filesystem::create_directory(path_);
        ASSERT_EQ(::chown(path_.c_str(), kNobody, static_cast<gid_t>(-1)), 0);
        expect_config_error(path_, "belongs to user 65534");
    } else {
        expect_config_error("/", "belongs to user 0");
    }
}

TEST_F(StateDirTest, ADirectoryThatCannotBeWrittenIsRefusedWithAdvice) {
    ASSERT_EQ(::chmod(parent_.path().c_str(), 0555), 0);
    {
        const WithoutRoot unprivileged;
        expect_config_error(path_, "set state_dir");
    }
    ASSERT_EQ(::chmod(parent_.path().c_str(), 0755), 0);
}

TEST_F(StateDirTest, AnEmptyPathIsRefused) {
    expect_config_error("", "set state_dir");
}

//
TEST_F(StateDirTest, ASecondHolderIsToldOfTheFirst) {
    const auto first = StateDir::open(path_);
    ASSERT_TRUE(first);
    const auto second = StateDir::open(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::locked);
    EXPECT_NE(second.error().text.find("process " + std::to_string(::getpid())), std::string::npos)
        << second.error().text;
    EXPECT_NE(second.error().text.find(path_), std::string::npos);
}

TEST_F(StateDirTest, TheLockEndsWithItsObject) {
    ASSERT_TRUE(StateDir::open(path_));
    EXPECT_TRUE(StateDir::open(path_));
}

//
TEST_F(StateDirTest, TheLockEndsWithItsProcess) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto held = StateDir::open(path_);
        ::raise(held ? SIGKILL : SIGTERM);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
    EXPECT_TRUE(StateDir::open(path_));
}

TEST_F(StateDirTest, ChildrenDoNotInheritItsDescriptors) {
    const auto opened = StateDir::open(path_);
    ASSERT_TRUE(opened);
    EXPECT_NE(::fcntl(opened->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

//
TEST_F(StateDirTest, ALockFileThatIsALinkIsRefused) {
    std::filesystem::create_directory(path_);
    std::filesystem::create_symlink(parent_ / "elsewhere", path_ + "/lock");
    const auto opened = StateDir::open(path_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().retry, Retry::never);
    EXPECT_FALSE(std::filesystem::exists(parent_ / "elsewhere"));
}

TEST_F(StateDirTest, KnowsAFileSystemThatForgets) {
    const auto opened = StateDir::open(path_);
    ASSERT_TRUE(opened);
    struct statfs status {};
    ASSERT_EQ(::statfs(path_.c_str(), &status), 0);
    EXPECT_EQ(opened->is_volatile(), status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

TEST(StateDirOnTmpfs, IsVolatile) {
    struct statfs status {};
    if (::statfs("/dev/shm", &status) != 0 || status.f_type != TMPFS_MAGIC) {
        return;  // this machine has no such place to look at
    }
    std::string path = "/dev/shm/postrider-test-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    {
        const auto opened = StateDir::open(path);
        ASSERT_TRUE(opened) << opened.error().text;
        EXPECT_TRUE(opened->is_volatile());
    }
    std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace postrider::store
