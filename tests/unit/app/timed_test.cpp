#include <memory>

#include <gtest/gtest.h>

#include "app/metrics/timed_ledger.h"
#include "support/memory_ledger.h"
#include "support/sim_loop.h"

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

TEST(TimedLedger, NotesHowLongItTook) {
    test::SimLoop loop;
    auto inner = std::make_unique<test::MemoryLedger>(loop);
    test::MemoryLedger& ledger = *inner;
    TimedLedger timed(loop, std::move(inner));
    ledger.hold_answers();
    int answers = 0;
    const auto write = timed.write("a", {}, [&answers](const Expected<void>&) { ++answers; });
    const auto sync = timed.sync([&answers](const Expected<void>&) { ++answers; });
    loop.advance(3s);
    EXPECT_EQ(timed.figures().commits.sum(), 0);
    ledger.release();
    loop.run_until_idle();
    EXPECT_EQ(answers, 2);
    EXPECT_EQ(timed.figures().commits.sum(), 3);
    EXPECT_EQ(timed.figures().syncs.sum(), 3);
    EXPECT_EQ(timed.figures().failures, 0U);
    ledger.fail_next_write({Errc::io, Retry::later, "disk full"});
    const auto failing = timed.write("a", {}, [&answers](const Expected<void>&) { ++answers; });
    loop.run_until_idle();
    EXPECT_EQ(answers, 3);
    EXPECT_EQ(timed.figures().failures, 1U);
}

}  // namespace
}  // namespace postrider::app
