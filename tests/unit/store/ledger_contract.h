#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/event/loop.h"
#include "postrider/store/ledger.h"

// What every ledger keeps. An implementation gives a Fixture: a default constructor, loop(),
// ledger(), destroy_ledger(), and until(predicate), which runs the loop until the predicate holds
// and says whether it came to hold.
namespace postrider::store::test {

inline WallTime at(std::int64_t milliseconds) {
    return WallTime(WallTime::duration(milliseconds));
}

inline MessageRecord record_of(std::string uid, Phase phase = Phase::seen) {
    MessageRecord record;
    record.key = {std::move(uid), 0};
    record.listed_size = 1234;
    record.phase = phase;
    record.first_seen = at(1'700'000'000'123);
    return record;
}

/// Every field has a value that is not its default, with octets that text would not survive.
inline MessageRecord full_record() {
    using namespace std::string_literals;
    MessageRecord record;
    for (int octet = 0; octet < 256; ++octet) {
        record.key.uid += static_cast<char>(octet);
    }
    record.key.occurrence = 4'000'000'000U;
    record.listed_size = 0xffff'ffff'ffff'fff0U;
    record.sha256.emplace().fill(0xA5);
    record.phase = Phase::held;
    record.first_seen = at(-1);
    record.delivered_at = at(1'700'000'000'001);
    record.failures = 4'000'000'001U;
    record.failing_since = at(2);
    record.retry_after = at(3);
    record.absent_since = at(4);
    record.settled_recipients = {"alice@example.org", "", "5:b,", "\0\n,'\"\xff"s};
    record.held_copy = true;
    record.awaits_quit = true;
    record.note = "550 5.1.1 \"no\" \0 \xff such user"s;
    return record;
}

/// Starts requests and runs the loop until they are answered.
template <class Fixture>
class Client {
  public:
    explicit Client(Fixture& fixture) : fixture_(fixture) {}

    Expected<AccountRecords> load(const std::string& account) {
        return await<AccountRecords>(
            [&](LoadDone done) { return fixture_.ledger().load(account, std::move(done)); });
    }
    Expected<void> write(const std::string& account, std::vector<Change> changes) {
        return await<void>([&](WriteDone done) {
            return fixture_.ledger().write(account, std::move(changes), std::move(done));
        });
    }
    Expected<void> put(const std::string& account, MessageRecord record) {
        return write(account, {PutMessage{std::move(record)}});
    }
    Expected<void> sync() {
        return await<void>([&](WriteDone done) { return fixture_.ledger().sync(std::move(done)); });
    }

  private:
    template <class Result, class Start>
    Expected<Result> await(Start start) {
        std::optional<Expected<Result>> result;
        const auto operation = start([&](Expected<Result> r) { result = std::move(r); });
        EXPECT_FALSE(result.has_value()) << "answered inside the call";
        EXPECT_TRUE(fixture_.until([&] { return result.has_value(); }));
        return result ? *std::move(result)
                      : failure(Errc::timed_out, Retry::never, "the ledger never answered");
    }

    Fixture& fixture_;
};

template <class Fixture>
class LedgerContract : public testing::Test {
  protected:
    Fixture fixture_;
    Client<Fixture> client_{fixture_};
};
TYPED_TEST_SUITE_P(LedgerContract);

TYPED_TEST_P(LedgerContract, AnUnknownAccountIsEmpty) {
    const auto loaded = this->client_.load("alice");
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(loaded->known);
    EXPECT_EQ(loaded->state, AccountState{});
    EXPECT_TRUE(loaded->messages.empty());
}

TYPED_TEST_P(LedgerContract, EveryFieldComesBackAsItWas) {
    const MessageRecord bare = record_of("");
    ASSERT_TRUE(this->client_.write("alice", {PutMessage{bare}, PutMessage{full_record()}}));
    const auto loaded = this->client_.load("alice");
    ASSERT_TRUE(loaded);
    EXPECT_TRUE(loaded->known);
    EXPECT_EQ(loaded->messages, (std::vector{bare, full_record()}));
}

TYPED_TEST_P(LedgerContract, KeysDifferByEveryOctetAndByOccurrence) {
    std::vector<Change> changes;
    std::vector<MessageRecord> records;
    for (const std::string& uid : {std::string(), std::string("\0", 1), std::string("A"),
                                   std::string("A\0", 2), std::string("a"), std::string("\xff")}) {
        for (const std::uint32_t occurrence : {0U, 1U}) {
            MessageRecord record = record_of(uid);
            record.key.occurrence = occurrence;
            changes.emplace_back(PutMessage{record});
            records.push_back(record);
        }
    }
    ASSERT_TRUE(this->client_.write("alice", changes));
    const auto loaded = this->client_.load("alice");
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->messages, records);
}

TYPED_TEST_P(LedgerContract, PuttingAgainReplacesTheWholeRecord) {
    MessageRecord record = full_record();
    ASSERT_TRUE(this->client_.put("alice", record));
    MessageRecord bare = record_of(record.key.uid, Phase::gone);
    bare.key = record.key;
    ASSERT_TRUE(this->client_.put("alice", bare));
    const auto loaded = this->client_.load("alice");
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->messages, std::vector{bare});
}

TYPED_TEST_P(LedgerContract, ForgettingTakesOneRecordOfOneAccount) {
    ASSERT_TRUE(this->client_.write("alice", {PutMessage{record_of("1")},  //
                                              PutMessage{record_of("2")}}));
    ASSERT_TRUE(this->client_.put("bob", record_of("1")));
    ASSERT_TRUE(this->client_.write("alice", {ForgetMessage{{"1", 0}}, ForgetMessage{{"9", 0}}}));
    EXPECT_EQ(this->client_.load("alice")->messages, std::vector{record_of("2")});
    EXPECT_EQ(this->client_.load("bob")->messages, std::vector{record_of("1")});
}

TYPED_TEST_P(LedgerContract, TheStateOfAnAccountIsKept) {
    ASSERT_TRUE(this->client_.write("alice", {PutState{{.needs_settling = true}}}));
    ASSERT_TRUE(this->client_.write("bob", {}));
    EXPECT_TRUE(this->client_.load("alice")->state.needs_settling);
    EXPECT_TRUE(this->client_.load("bob")->known);
    EXPECT_FALSE(this->client_.load("bob")->state.needs_settling);
    ASSERT_TRUE(this->client_.write("alice", {PutState{{.needs_settling = false}}}));
    EXPECT_FALSE(this->client_.load("alice")->state.needs_settling);
}

TYPED_TEST_P(LedgerContract, QuirksAreKeptWithTheirTimes) {
    const AccountState state{
        .needs_settling = false,
        .quirks = {{"no-capa", WallTime{std::chrono::milliseconds(1'767'225'600'123)}},
                   {"no-pipelining", WallTime{std::chrono::milliseconds(5)}}}};
    ASSERT_TRUE(this->client_.write("alice", {PutState{state}}));
    EXPECT_EQ(this->client_.load("alice")->state, state);
    ASSERT_TRUE(this->client_.write("alice", {PutState{}}));
    EXPECT_TRUE(this->client_.load("alice")->state.quirks.empty());
}

TYPED_TEST_P(LedgerContract, ASkippedMessageIsKept) {
    MessageRecord record;
    record.key = {"old", 0};
    record.phase = Phase::skipped;
    ASSERT_TRUE(this->client_.put("alice", record));
    EXPECT_EQ(this->client_.load("alice")->messages, std::vector{record});
}

TYPED_TEST_P(LedgerContract, AnswersAndEffectsComeInTheOrderOfTheCalls) {
    std::vector<std::string> order;
    std::vector<std::unique_ptr<event::Operation>> operations;
    Ledger& ledger = this->fixture_.ledger();
    const auto write = [&](const std::string& uid) {
        operations.push_back(ledger.write("alice", {PutMessage{record_of(uid)}},
                                          [&order, uid](const Expected<void>& r) {
                                              order.push_back((r ? "wrote " : "failed ") + uid);
                                          }));
    };
    const auto load = [&] {
        operations.push_back(ledger.load("alice", [&order](const Expected<AccountRecords>& r) {
            order.push_back("loaded " + std::to_string(r->messages.size()));
        }));
    };
    load();
    write("1");
    load();
    write("2");
    write("3");
    load();
    ASSERT_TRUE(this->fixture_.until([&] { return order.size() == 6; }));
    EXPECT_EQ(order, (std::vector<std::string>{"loaded 0", "wrote 1", "loaded 1", "wrote 2",
                                               "wrote 3", "loaded 3"}));
}

TYPED_TEST_P(LedgerContract, ASyncIsAnsweredAfterTheWritesBeforeIt) {
    std::vector<std::string> order;
    Ledger& ledger = this->fixture_.ledger();
    const auto write = ledger.write("alice", {PutMessage{record_of("1")}},
                                    [&](const Expected<void>&) { order.emplace_back("write"); });
    const auto first = ledger.sync([&](const Expected<void>& r) {
        EXPECT_TRUE(r);
        order.emplace_back("sync");
    });
    const auto second = ledger.sync([&](const Expected<void>& r) {
        EXPECT_TRUE(r);
        order.emplace_back("sync");
    });
    ASSERT_TRUE(this->fixture_.until([&] { return order.size() == 3; }));
    EXPECT_EQ(order, (std::vector<std::string>{"write", "sync", "sync"}));
}

TYPED_TEST_P(LedgerContract, ADestroyedOperationIsSilentButItsChangesAreRecorded) {
    bool called = false;
    this->fixture_.ledger()
        .write("alice", {PutMessage{record_of("1")}}, [&](const Expected<void>&) { called = true; })
        .reset();
    this->fixture_.ledger()
        .load("alice", [&](const Expected<AccountRecords>&) { called = true; })
        .reset();
    this->fixture_.ledger().sync([&](const Expected<void>&) { called = true; }).reset();
    ASSERT_TRUE(this->client_.sync());
    EXPECT_EQ(this->client_.load("alice")->messages.size(), 1U);
    EXPECT_FALSE(called);
}

TYPED_TEST_P(LedgerContract, AnOperationMayBeDestroyedInItsOwnAnswer) {
    std::unique_ptr<event::Operation> operation;
    bool called = false;
    operation = this->fixture_.ledger().write("alice", {}, [&](const Expected<void>&) {
        operation.reset();
        called = true;
    });
    ASSERT_TRUE(this->fixture_.until([&] { return called; }));
}

TYPED_TEST_P(LedgerContract, TheLedgerMayBeDestroyedInAnAnswerAndIsSilentThen) {
    int called = 0;
    const auto on_done = [&](const Expected<void>&) {
        if (++called == 1) {
            this->fixture_.destroy_ledger();
        }
    };
    Ledger& ledger = this->fixture_.ledger();
    const auto first = ledger.write("alice", {}, on_done);
    const auto second = ledger.write("alice", {}, on_done);
    const auto third = ledger.sync(on_done);
    ASSERT_TRUE(this->fixture_.until([&] { return called > 0; }));
    bool later = false;
    this->fixture_.loop().defer([&] { later = true; });
    ASSERT_TRUE(this->fixture_.until([&] { return later; }));
    EXPECT_EQ(called, 1);
}

TYPED_TEST_P(LedgerContract, AHundredThousandRecordsAreLoadedWhole) {
    constexpr std::size_t kRecords = 100'000;
    std::vector<Change> changes;
    changes.reserve(kRecords);
    for (std::size_t i = 0; i < kRecords; ++i) {
        changes.emplace_back(PutMessage{record_of(std::to_string(kRecords + i))});
    }
    ASSERT_TRUE(this->client_.write("alice", std::move(changes)));
    const auto loaded = this->client_.load("alice");
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->messages.size(), kRecords);
    EXPECT_EQ(loaded->messages.front(), record_of(std::to_string(kRecords)));
    EXPECT_EQ(loaded->messages.back(), record_of(std::to_string(2 * kRecords - 1)));
}

TYPED_TEST_P(LedgerContract, TheInstallationHasAKey) {
    EXPECT_EQ(this->fixture_.ledger().installation_key().reveal().size(), 32U);
}

REGISTER_TYPED_TEST_SUITE_P(
    LedgerContract, AnUnknownAccountIsEmpty, EveryFieldComesBackAsItWas,
    KeysDifferByEveryOctetAndByOccurrence, PuttingAgainReplacesTheWholeRecord,
    ForgettingTakesOneRecordOfOneAccount, TheStateOfAnAccountIsKept, QuirksAreKeptWithTheirTimes,
    ASkippedMessageIsKept, AnswersAndEffectsComeInTheOrderOfTheCalls,
    ASyncIsAnsweredAfterTheWritesBeforeIt, ADestroyedOperationIsSilentButItsChangesAreRecorded,
    AnOperationMayBeDestroyedInItsOwnAnswer, TheLedgerMayBeDestroyedInAnAnswerAndIsSilentThen,
    AHundredThousandRecordsAreLoadedWhole, TheInstallationHasAKey);

}  // namespace postrider::store::test
