#include "app/held/held_work.h"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>

#include "support/fake_sink.h"
#include "support/memory_ledger.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"
#include "support/temp_dir.h"
#include "unit/app/held_samples.h"

namespace postrider::app {
namespace {

namespace fs = std::filesystem;
using Outcome = HeldWork::Outcome;
using store::Phase;

/// Messages held as the daemon holds them, with their records in the ledger.
class HeldWorkTest : public testing::Test {
  protected:
    HeldWorkTest() : state_(*store::StateDir::open(directory_ / "state")) {}

    static mail::Address address(const std::string& text) { return *mail::Address::parse(text); }

    void hold(const std::string& subject, const std::vector<std::string>& recipients,
              const std::string& destination = "local") {
        test_held::hold(place(), "alice", subject, recipients, destination);
    }
    test_held::Place place() { return {loop_, worker_, ledger_, state_}; }
    [[nodiscard]] store::MessageRecord record(const std::string& uid) const {
        return ledger_.record("alice", {uid, 0}).value_or(store::MessageRecord());
    }
    void set_phase(const std::string& uid, Phase phase, bool held) {
        test_held::put_record(place(), "alice", uid, *record(uid).sha256, phase, held);
    }

    std::vector<store::HeldCopy> held() { return copies_.list()->copies; }

    /// Retries all to their end; the outcomes, in order.
    std::vector<Outcome> retry(const std::string& to = "",
                               const std::vector<mail::Address>& recipients = {}) {
        return work([&](HeldWork& work) {
            work.retry(held(), [this](const std::string& name) { return find(name); },
                       {to, recipients});
        });
    }
    std::vector<Outcome> drop() {
        return work([&](HeldWork& work) { work.drop(held()); });
    }
    std::vector<Outcome> work(const std::function<void(HeldWork&)>& start) {
        results_.clear();
        done_.reset();
        HeldWork work(
            {loop_, worker_, ledger_, copies_, {directory_.path()}},
            [this](const HeldWork::Result& result) { results_.push_back(result); },
            [this](Expected<void> done) { done_ = std::move(done); });
        start(work);
        EXPECT_TRUE(loop_.run_until([this] { return done_.has_value(); }));
        std::vector<Outcome> outcomes;
        for (const HeldWork::Result& result : results_) {
            outcomes.push_back(result.outcome);
        }
        return outcomes;
    }
    /// Lent: they outlive it.
    std::shared_ptr<sink::MailSink> find(const std::string& name) {
        sink::MailSink* const found = name == "local"   ? &local_
                                      : name == "other" ? &other_
                                                        : nullptr;
        return {std::shared_ptr<void>(), found};
    }

    using Outcomes = std::vector<Outcome>;

    postrider::test::TempDir directory_;
    postrider::test::SimLoop loop_;
    postrider::test::SimWorker worker_{loop_};
    store::StateDir state_;
    store::HeldCopies copies_{state_.path()};
    postrider::test::MemoryLedger ledger_{loop_};
    postrider::test::FakeSink local_{loop_};
    postrider::test::FakeSink other_{loop_};
    std::vector<HeldWork::Result> results_;
    std::optional<Expected<void>> done_;
};

TEST_F(HeldWorkTest, WhatIsTakenNowLeavesTheStoreAndCountsAsDelivered) {
    hold("m1", {"bob@example.org"});
    const std::string octets =
        postrider::test::read_whole(state_.held_path() + "/" + held().front().file);
    EXPECT_EQ(retry(), Outcomes{Outcome::delivered});
    ASSERT_EQ(local_.accepted().size(), 1U);
    EXPECT_EQ(local_.accepted().front().octets, octets);
    EXPECT_EQ(local_.accepted().front().recipient, "bob@example.org");
    EXPECT_TRUE(held().empty());
    EXPECT_EQ(record("m1").phase, Phase::delivered);
    EXPECT_FALSE(record("m1").held_copy);
    EXPECT_EQ(ledger_.durable_record("alice", {"m1", 0})->phase, Phase::delivered);
    EXPECT_EQ(results_.front().answer, "250 2.0.0 queued");
}

TEST_F(HeldWorkTest, WhatIsRefusedAgainStaysWithItsNewReason) {
    hold("m1", {"bob@example.org"});
    local_.answer("m1", test::refused(554, "5.6.0"));
    EXPECT_EQ(retry(), Outcomes{Outcome::refused});
    EXPECT_EQ(retry(), Outcomes{Outcome::refused});
    ASSERT_EQ(held().size(), 1U);
    EXPECT_EQ(held().front().refusals.front().what.retries, 2U);
    EXPECT_EQ(held().front().refusals.front().what.reason, "bob@example.org: 554 5.6.0 no");
    EXPECT_EQ(record("m1").phase, Phase::held);
    EXPECT_TRUE(record("m1").held_copy);
}

TEST_F(HeldWorkTest, WhatIsPutOffStaysAsItWas) {
    hold("m1", {"bob@example.org"});
    local_.answer("m1", test::put_off());
    EXPECT_EQ(retry(), Outcomes{Outcome::put_off});
    EXPECT_EQ(held().front().refusals.front().what.retries, 0U);
    EXPECT_EQ(held().front().refusals.front().what.reason, "550 no");
}

TEST_F(HeldWorkTest, WhoHasItNowDoesNotGetItAgain) {
    hold("m1", {"bob@example.org", "carol@example.org"});
    local_.answer("m1", test::put_off(), "carol@example.org");
    EXPECT_EQ(retry(), Outcomes{Outcome::put_off});
    local_.clear_script();
    EXPECT_EQ(retry(), Outcomes{Outcome::delivered});
    EXPECT_EQ(local_.accepted("m1", "bob@example.org"), 1U);
    EXPECT_EQ(local_.accepted("m1", "carol@example.org"), 1U);
}

TEST_F(HeldWorkTest, EachRefusalGoesWhereItCameFromUnlessToldOtherwise) {
    hold("m1", {"bob@example.org"});
    hold("m1", {"bob@example.org"}, "other");
    local_.answer("m1", test::refused(550));
    EXPECT_EQ(retry(), Outcomes{Outcome::refused});
    EXPECT_EQ(other_.accepted("m1"), 1U);
    ASSERT_EQ(held().front().refusals.size(), 1U);
    EXPECT_TRUE(record("m1").held_copy);
    EXPECT_EQ(retry("other"), Outcomes{Outcome::delivered});
    EXPECT_EQ(other_.accepted("m1"), 2U);
    EXPECT_EQ(record("m1").phase, Phase::delivered);
}

TEST_F(HeldWorkTest, ADestinationThatIsGoneFromTheConfigurationIsTold) {
    hold("m1", {"bob@example.org"}, "former");
    EXPECT_EQ(retry(), Outcomes{Outcome::put_off});
    EXPECT_NE(results_.front().answer.find("--to"), std::string::npos);
    EXPECT_EQ(retry("other"), Outcomes{Outcome::delivered});
}

TEST_F(HeldWorkTest, AMessageForNobodyIsForWhomAPersonNames) {
    hold("m1", {});
    EXPECT_EQ(retry(), Outcomes{Outcome::put_off});
    EXPECT_NE(results_.front().answer.find("--for"), std::string::npos);
    EXPECT_EQ(retry("", {address("dan@example.org")}), Outcomes{Outcome::delivered});
    EXPECT_EQ(local_.accepted("m1", "dan@example.org"), 1U);
    EXPECT_EQ(record("m1").phase, Phase::delivered);
}

TEST_F(HeldWorkTest, ADestinationThatIsDownIsTriedOnce) {
    hold("m1", {"bob@example.org"});
    hold("m2", {"bob@example.org"});
    hold("m3", {"bob@example.org"}, "other");
    local_.answer("", {sink::Outcome::later, 0, "", "refused"});
    local_.fault_at("", {Errc::network, Retry::later, "connection refused"});
    EXPECT_EQ(retry(), (Outcomes{Outcome::put_off, Outcome::put_off, Outcome::delivered}));
    EXPECT_EQ(local_.tried().size(), 1U);
    EXPECT_EQ(held().size(), 2U);
}

TEST_F(HeldWorkTest, WhatACrashLeftAfterItsRecordIsNotDeliveredAgain) {
    hold("m1", {"bob@example.org"});
    set_phase("m1", Phase::delivered, false);
    EXPECT_EQ(retry(), Outcomes{Outcome::known});
    EXPECT_TRUE(local_.tried().empty());
    EXPECT_TRUE(held().empty());
}

TEST_F(HeldWorkTest, AMessageThatTheLedgerHasForgottenIsDeliveredAllTheSame) {
    hold("m1", {"bob@example.org"});
    const auto forget = ledger_.write("alice", {store::ForgetMessage{{"m1", 0}}}, [](auto) {});
    loop_.run_until_idle();
    EXPECT_EQ(retry(), Outcomes{Outcome::delivered});
    EXPECT_EQ(local_.accepted("m1"), 1U);
    EXPECT_TRUE(held().empty());
}

TEST_F(HeldWorkTest, WhileTheLedgerCannotBeWrittenTheCopyStays) {
    hold("m1", {"bob@example.org"});
    ledger_.fail_next_sync({Errc::io, Retry::later, "disk full"});
    EXPECT_TRUE(retry().empty());
    EXPECT_EQ(done_->error().text, "disk full");
    EXPECT_EQ(held().size(), 1U);
}

TEST_F(HeldWorkTest, WoundDownItEndsWithTheMessageItIsAt) {
    hold("m1", {"bob@example.org"});
    hold("m2", {"bob@example.org"});
    local_.hold_answers();
    const auto outcomes = work([&](HeldWork& work) {
        work.retry(held(), [this](const std::string& name) { return find(name); }, {});
        EXPECT_TRUE(loop_.run_until([&] { return local_.under_way() == 1; }));
        work.wind_down();
        local_.release();
    });
    EXPECT_EQ(outcomes, Outcomes{Outcome::delivered});
    EXPECT_EQ(held().size(), 1U);
}

TEST(HeldOutcome, HasAWordEach) {
    for (const Outcome outcome : {Outcome::delivered, Outcome::known, Outcome::refused,
                                  Outcome::put_off, Outcome::dropped}) {
        EXPECT_EQ(held_outcome(to_text(outcome)), outcome);
    }
    EXPECT_EQ(to_text(Outcome::known), "delivered-before");
    EXPECT_FALSE(held_outcome("delivere"));
}

TEST_F(HeldWorkTest, WhatIsDroppedIsGivenUp) {
    hold("m1", {"bob@example.org"});
    hold("m2", {"bob@example.org"});
    fs::remove(state_.held_path() + "/" + held().back().refusals.front().file);
    EXPECT_EQ(drop(), (Outcomes{Outcome::dropped, Outcome::dropped}));
    EXPECT_TRUE(held().empty());
    EXPECT_TRUE(local_.tried().empty());
    EXPECT_EQ(record("m1").phase == Phase::delivered, record("m2").phase != Phase::delivered)
        << "one of them had no envelope: nothing tells whose it was";
}

TEST_F(HeldWorkTest, AMessageWithoutItsEnvelopeIsNotDeliveredToAnybody) {
    hold("m1", {"bob@example.org"});
    fs::remove(state_.held_path() + "/" + held().front().refusals.front().file);
    EXPECT_EQ(retry("other"), Outcomes{Outcome::put_off});
    EXPECT_EQ(held().size(), 1U);
    EXPECT_TRUE(other_.tried().empty());
}

}  // namespace
}  // namespace postrider::app
