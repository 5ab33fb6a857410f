#include "support/memory_ledger.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/sim_loop.h"
#include "unit/store/ledger_contract.h"

namespace postrider::store::test {
namespace {

using postrider::test::MemoryLedger;
using postrider::test::SimLoop;

class MemoryFixture {
  public:
    event::Loop& loop() { return loop_; }
    MemoryLedger& ledger() { return *ledger_; }
    void destroy_ledger() { ledger_.reset(); }
    bool until(const std::function<bool()>& predicate) { return loop_.run_until(predicate); }
    void settle() { loop_.run_until_idle(); }

  private:
    SimLoop loop_;
    std::unique_ptr<MemoryLedger> ledger_ = std::make_unique<MemoryLedger>(loop_);
};

class MemoryLedgerTest : public testing::Test {
  protected:
    MemoryFixture fixture_;
    Client<MemoryFixture> client_{fixture_};
    MemoryLedger& ledger_ = fixture_.ledger();
};

const Error kDiskFull{Errc::io, Retry::later, "disk full"};
const Error kFsyncFailed{Errc::io, Retry::never, "fsync failed"};

TEST_F(MemoryLedgerTest, AFailedWriteChangesNothingAndTheNextOneWorks) {
    ledger_.fail_next_write(kDiskFull);
    const auto failed = client_.put("alice", record_of("1"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().retry, Retry::later);
    EXPECT_FALSE(ledger_.is_known("alice"));
    EXPECT_TRUE(client_.put("alice", record_of("1")));
    EXPECT_EQ(ledger_.record("alice", {"1", 0}), record_of("1"));
}

TEST_F(MemoryLedgerTest, AFinalFailureStays) {
    ledger_.fail_next_sync(kFsyncFailed);
    EXPECT_FALSE(client_.sync());
    EXPECT_FALSE(client_.put("alice", record_of("1")));
    EXPECT_FALSE(client_.load("alice"));
    EXPECT_FALSE(client_.sync());
}

TEST_F(MemoryLedgerTest, HeldAnswersComeOneByOneAndInOrder) {
    std::vector<int> order;
    ledger_.hold_answers();
    std::vector<std::unique_ptr<event::Operation>> operations;
    operations.reserve(3);
    for (int i = 0; i < 3; ++i) {
        operations.push_back(
            ledger_.write("alice", {}, [&order, i](const Expected<void>&) { order.push_back(i); }));
    }
    fixture_.settle();
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(ledger_.held_answers(), 3U);
    ledger_.release_one();
    fixture_.settle();
    EXPECT_EQ(order, std::vector{0});
    ledger_.release();
    fixture_.settle();
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST_F(MemoryLedgerTest, APowerCutTakesWhatNoAnsweredSyncCovers) {
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    ASSERT_TRUE(client_.sync());
    ASSERT_TRUE(client_.put("alice", record_of("2")));
    EXPECT_TRUE(ledger_.durable_record("alice", {"1", 0}).has_value());
    EXPECT_FALSE(ledger_.durable_record("alice", {"2", 0}).has_value());
    bool answered = false;
    const auto under_way = ledger_.sync([&](const Expected<void>&) { answered = true; });
    ledger_.cut_power();
    fixture_.settle();
    EXPECT_FALSE(answered);
    EXPECT_EQ(client_.load("alice")->messages, std::vector{record_of("1")});
}

TEST_F(MemoryLedgerTest, ShowsWhatWasAskedForInOrder) {
    ASSERT_TRUE(client_.load("alice"));
    ASSERT_TRUE(client_.write("alice", {PutState{{.needs_settling = true}}}));
    ASSERT_TRUE(client_.sync());
    ASSERT_EQ(ledger_.calls().size(), 3U);
    EXPECT_EQ(ledger_.calls()[0].kind, MemoryLedger::Call::Kind::load);
    EXPECT_EQ(ledger_.calls()[1].kind, MemoryLedger::Call::Kind::write);
    EXPECT_EQ(ledger_.calls()[1].account, "alice");
    EXPECT_EQ(ledger_.calls()[1].changes.size(), 1U);
    EXPECT_EQ(ledger_.calls()[2].kind, MemoryLedger::Call::Kind::sync);
    EXPECT_TRUE(ledger_.state("alice").needs_settling);
}

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LedgerContract, MemoryFixture);

}  // namespace
}  // namespace postrider::store::test
