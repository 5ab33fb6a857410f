#include "app/daemon/pause_book.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "postrider/base/file_handle.h"

#include "support/sim_loop.h"
#include "support/sim_worker.h"
#include "support/temp_dir.h"

namespace postrider::app {
namespace {

class PauseBookTest : public testing::Test {
  protected:
    PauseBook::Names read() { return *PauseBook::read(directory_.get()); }

    test::TempDir place_;
    FileHandle directory_{::open(place_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    test::SimLoop loop_;
    test::SimWorker worker_{loop_};
    PauseBook book_{loop_, worker_, directory_.get()};
};

TEST_F(PauseBookTest, KeepsNames) {
    EXPECT_TRUE(read().empty()) << "no file yet";
    bool is_kept = false;
    book_.keep({"alice", "bob at work"},
               [&](const Expected<void>& kept) { is_kept = kept.has_value(); });
    EXPECT_FALSE(is_kept);
    loop_.run_until_idle();
    EXPECT_TRUE(is_kept);
    EXPECT_EQ(read(), (PauseBook::Names{"alice", "bob at work"}));
    book_.keep({}, [](const Expected<void>&) {});
    loop_.run_until_idle();
    EXPECT_TRUE(read().empty());
}

TEST_F(PauseBookTest, TheLastWordStaysAndEverybodyIsTold) {
    std::size_t told = 0;
    for (const char* const name : {"a", "b", "c"}) {
        book_.keep({name}, [&](const Expected<void>& kept) { told += kept ? 1U : 0U; });
    }
    loop_.run_until_idle();
    EXPECT_EQ(told, 3U);
    EXPECT_EQ(read(), PauseBook::Names{"c"});
}

TEST_F(PauseBookTest, WhatCannotBeWrittenOrReadIsTold) {
    ASSERT_EQ(::mkdir((place_ / "paused").c_str(), 0700), 0);
    std::string why;
    book_.keep({"a"}, [&](const Expected<void>& kept) { why = kept ? "" : kept.error().text; });
    loop_.run_until_idle();
    EXPECT_NE(why.find("which accounts are paused"), std::string::npos) << why;
    EXPECT_FALSE(PauseBook::read(directory_.get()));
}

}  // namespace
}  // namespace postrider::app
