#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/engine/account_poll.h"

#include "support/fake_held_store.h"
#include "support/fake_sink.h"
#include "support/fake_source.h"
#include "support/mail_samples.h"
#include "support/memory_ledger.h"
#include "support/null_log.h"
#include "support/sim_loop.h"

namespace postrider::engine {

using namespace std::chrono_literals;

[[nodiscard]] inline mail::Address address(const std::string& text) {
    return *mail::Address::parse(text);
}

/// One account, "alice", between a mailbox, a destination and a ledger that a test commands. Every
/// DELE of every test is held to invariant I2.
class PollTest : public ::testing::Test {
  protected:
    PollTest() {
        policy.account = "alice";
        policy.recipients = {address("alice@localhost")};
        source.on_remove = [this](const source::RemoteMessage& remote) {
            const auto record =
                ledger.durable_record(policy.account, {remote.uid, remote.occurrence});
            ASSERT_TRUE(record) << "DELE of " << remote.uid << " without a durable record";
            EXPECT_TRUE(record->phase == store::Phase::delivered ||
                        record->phase == store::Phase::deleting);
            EXPECT_EQ(record->listed_size, remote.size);
        };
    }

    PollTest(const PollTest&) = delete;
    PollTest& operator=(const PollTest&) = delete;
    ~PollTest() override {
        account_poll.reset();
        loop.run_until_idle();  // what it left to be deleted refers to what stands below
    }

    /// Adds a message whose UID is its subject.
    void add(const std::string& uid, std::size_t octets = 200) {
        source.add(uid, test::plain_mail(uid, octets));
    }
    void add_some(int count, const std::string& prefix = "m") {
        for (int i = 1; i <= count; ++i) {
            add(prefix + std::to_string(i));
        }
    }

    void start_poll() {
        report.reset();
        account_poll = std::make_unique<AccountPoll>(services, source, destination, policy);
        account_poll->start([](const PollReport&) {},
                            [this](PollReport done) {
                                report = std::move(done);
                                loop.defer_delete(std::move(account_poll));
                            });
    }

    /// To the end of the poll that was started.
    PollReport finish_poll() {
        EXPECT_TRUE(loop.run_until([this] { return report.has_value(); }, 1min));
        loop.run_until_idle();
        if (!report) {
            account_poll.reset();
            return {};
        }
        EXPECT_EQ(source.sessions(), 0U);
        EXPECT_EQ(memory.used(), 0U);
        return *report;
    }

    PollReport poll() {
        start_poll();
        return finish_poll();
    }

    /// A poll that is to run to its end.
    PollReport good_poll() {
        PollReport done = poll();
        EXPECT_FALSE(done.error) << done.error->text;
        return done;
    }

    [[nodiscard]] std::optional<store::MessageRecord> record(const std::string& uid,
                                                             std::uint32_t occurrence = 0) const {
        return ledger.record(policy.account, {uid, occurrence});
    }
    [[nodiscard]] store::Phase phase(const std::string& uid, std::uint32_t occurrence = 0) const {
        const auto found = record(uid, occurrence);
        EXPECT_TRUE(found) << uid << " is not recorded";
        return found ? found->phase : store::Phase::seen;
    }

    test::SimLoop loop;
    test::NullLog log;
    test::MemoryLedger ledger{loop};
    test::FakeHeldStore held{loop};
    test::FakeSink sink{loop};
    test::FakeSource source{loop};
    MemoryBudget memory{loop, 256UL * 1024 * 1024};
    Destination destination{"local", sink, 1};
    Services services{loop, ledger, held, memory, log, "here.example.net"};
    AccountPolicy policy;
    std::optional<PollReport> report;
    std::unique_ptr<AccountPoll> account_poll;
};

}  // namespace postrider::engine
