#include "store/group_commit.h"

#include <atomic>
#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

/// Counts passes; a test may make them fail.
class GroupCommitTest : public testing::Test {
  protected:
    Expected<void> wait() {
        std::promise<Expected<void>> told;
        group_commit_.wait({[&](const Expected<void>& result) { told.set_value(result); }});
        return told.get_future().get();
    }
    static Error error(Retry retry) { return {Errc::io, retry, "told so"}; }

    std::atomic<int> passes_ = 0;
    std::atomic<Retry> failing_ = Retry::now;  ///< now: not at all
    GroupCommit group_commit_{[this]() -> Expected<void> {
                                  ++passes_;
                                  if (failing_ == Retry::now) {
                                      return {};
                                  }
                                  return failure(error(failing_));
                              },
                              event::make_thread_attendant};
};

TEST_F(GroupCommitTest, NothingWrittenNeedsNoPass) {
    EXPECT_TRUE(wait());
    group_commit_.finish();
    EXPECT_EQ(passes_, 0);
}

TEST_F(GroupCommitTest, WhoWaitsIsToldAfterAPass) {
    group_commit_.written();
    EXPECT_TRUE(wait());
    EXPECT_EQ(passes_, 1);
    EXPECT_TRUE(wait());
    EXPECT_EQ(passes_, 1) << "covered already";
}

TEST_F(GroupCommitTest, TheEndMakesAPassForWhatIsLeft) {
    group_commit_.written();
    group_commit_.finish();
    EXPECT_EQ(passes_, 1);
}

TEST_F(GroupCommitTest, APassingFailureIsMadeUpFor) {
    failing_ = Retry::later;
    group_commit_.written();
    EXPECT_FALSE(wait());
    EXPECT_FALSE(group_commit_.failed().has_value());
    failing_ = Retry::now;
    EXPECT_TRUE(wait());
    EXPECT_EQ(passes_, 2);
}

TEST_F(GroupCommitTest, AFinalFailureStays) {
    failing_ = Retry::never;
    group_commit_.written();
    EXPECT_FALSE(wait());
    failing_ = Retry::now;
    group_commit_.written();
    EXPECT_FALSE(wait());
    EXPECT_EQ(passes_, 1);
    EXPECT_EQ(group_commit_.failed()->text, "told so");
}

TEST_F(GroupCommitTest, OnlyTheFirstFinalFailureIsKept) {
    group_commit_.fail({Errc::corrupt, Retry::never, "first"});
    group_commit_.fail({Errc::io, Retry::never, "second"});
    EXPECT_EQ(group_commit_.failed()->text, "first");
}

}  // namespace
}  // namespace postrider::store
