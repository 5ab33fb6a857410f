#include "app/daemon/loop_watch.h"

#include <gtest/gtest.h>

#include "support/memory_ledger.h"
#include "support/null_log.h"
#include "support/sim_loop.h"

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

TEST(LoopWatch, ALoopThatKeepsTimeHasNoLag) {
    test::SimLoop loop;
    test::MemoryLedger ledger(loop);
    test::NullLog log;
    const ServiceManager nobody{config::Environment()};
    const LoopWatch watch(loop, ledger, nobody, log);
    loop.advance(1h);
    EXPECT_EQ(watch.lag(), Duration::zero());
}

// U-002: only the ledger's answer lets a sign of life go out.
TEST(LoopWatch, AsksTheLedgerOnlyWhereAWatchdogListens) {
    test::SimLoop loop;
    test::MemoryLedger ledger(loop);
    test::NullLog log;
    const ServiceManager nobody{config::Environment()};
    const ServiceManager listener{config::Environment{{{"WATCHDOG_USEC", "6000000"}}, 0}};
    const auto syncs = [&ledger] {
        std::size_t count = 0;
        for (const auto& call : ledger.calls()) {
            count += call.kind == test::MemoryLedger::Call::Kind::sync ? 1U : 0U;
        }
        return count;
    };
    {
        const LoopWatch watch(loop, ledger, nobody, log);
        loop.advance(60s);
        EXPECT_EQ(syncs(), 0U);
    }
    const LoopWatch watch(loop, ledger, listener, log);
    loop.advance(6s);
    EXPECT_GE(syncs(), 2U);
    ledger.hold_answers();
    loop.advance(2s);
    const std::size_t before = syncs();
    loop.advance(60s);
    EXPECT_EQ(syncs(), before) << "a ledger that is silent is not asked again";
    loop.advance(4s);
    ASSERT_TRUE(watch.ailment());
    EXPECT_NE(watch.ailment()->find("ledger has not answered"), std::string::npos);
}

}  // namespace
}  // namespace postrider::app
