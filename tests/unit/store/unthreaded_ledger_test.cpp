// The SQLite ledger on a loop in virtual time, without threads: what a simulator runs.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "postrider/store/state_dir.h"

#include "store/ledger_parts.h"
#include "support/sim_attendant.h"
#include "support/sim_loop.h"
#include "support/temp_dir.h"
#include "unit/store/ledger_contract.h"

namespace postrider::store::test {
namespace {

class UnthreadedFixture {
  public:
    UnthreadedFixture() { open(); }

    event::Loop& loop() { return loop_; }
    Ledger& ledger() { return *ledger_; }
    void destroy_ledger() { ledger_.reset(); }
    bool until(const std::function<bool()>& predicate) { return loop_.run_until(predicate); }

    void open() {
        auto state = StateDir::open(directory_ / "state");
        ASSERT_TRUE(state) << state.error().text;
        state_.emplace(*std::move(state));
        auto ledger =
            open_ledger_with(loop_, *state_, {},
                             {postrider::test::make_sim_attendants(loop_, [] { return kPace; }),
                              [](std::size_t count) { return std::string(count, 'r'); }});
        ASSERT_TRUE(ledger) << ledger.error().text;
        ledger_ = *std::move(ledger);
    }

    static constexpr Duration kPace = std::chrono::microseconds(100);

  private:
    postrider::test::TempDir directory_;
    postrider::test::SimLoop loop_;
    std::optional<StateDir> state_;
    std::unique_ptr<Ledger> ledger_;
};

TEST(UnthreadedLedger, TakesVirtualTimeOnly) {
    UnthreadedFixture fixture;
    const MonotonicTime before = fixture.loop().now();
    bool written = false;
    const auto write = fixture.ledger().write("alice", {PutMessage{record_of("1")}},
                                              [&](const Expected<void>&) { written = true; });
    EXPECT_TRUE(fixture.until([&] { return written; }));
    EXPECT_EQ(fixture.loop().now(), before + UnthreadedFixture::kPace);
}

TEST(UnthreadedLedger, TheRandomnessIsWhatItWasGiven) {
    UnthreadedFixture fixture;
    EXPECT_EQ(fixture.ledger().installation_key().reveal(), std::string(32, 'r'));
}

INSTANTIATE_TYPED_TEST_SUITE_P(Unthreaded, LedgerContract, UnthreadedFixture);

}  // namespace
}  // namespace postrider::store::test
