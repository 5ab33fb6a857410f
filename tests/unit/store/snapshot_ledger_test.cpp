#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "unit/store/ledger_fixtures.h"

namespace postrider::store::test {
namespace {

using postrider::test::read_whole;

/// Names and contents of all files under a directory.
std::map<std::string, std::string> contents_of(const std::string& directory) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        contents[entry.path()] = entry.is_regular_file() ? read_whole(entry.path()) : "";
    }
    return contents;
}

class SnapshotLedgerTest : public testing::Test {
  protected:
    AccountRecords look(const std::string& account) {
        const auto copy = fixture_.open_read_only();
        EXPECT_TRUE(copy) << copy.error().text;
        if (!copy) {
            return {};
        }
        BorrowedLedger borrowed(fixture_, **copy);
        return Client<BorrowedLedger>(borrowed).load(account).value_or(AccountRecords{});
    }

    SqliteFixture fixture_;
    Client<SqliteFixture> client_{fixture_};
};

TEST_F(SnapshotLedgerTest, WithoutAStateDirectoryItIsEmptyAndMakesNone) {
    const postrider::test::TempDir directory;
    const auto copy = open_ledger_read_only(fixture_.loop(), directory / "missing", {});
    ASSERT_TRUE(copy) << copy.error().text;
    BorrowedLedger borrowed(fixture_, **copy);
    EXPECT_FALSE(Client<BorrowedLedger>(borrowed).load("alice")->known);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST_F(SnapshotLedgerTest, WithoutALedgerItIsEmptyAndMakesNone) {
    const postrider::test::TempDir directory;
    const auto copy = open_ledger_read_only(fixture_.loop(), directory.path(), {});
    ASSERT_TRUE(copy) << copy.error().text;
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST_F(SnapshotLedgerTest, ReadsAClosedLedgerAndChangesNothing) {
    ASSERT_TRUE(client_.put("alice", full_record()));
    fixture_.close();
    const auto before = contents_of(fixture_.state_path());
    EXPECT_EQ(look("alice").messages, std::vector{full_record()});
    EXPECT_EQ(contents_of(fixture_.state_path()), before);
}

TEST_F(SnapshotLedgerTest, ReadsBesideAWriterWhatItHasWrittenSoFar) {
    for (std::size_t i = 1; i <= 20; ++i) {
        ASSERT_TRUE(client_.put("alice", record_of(std::to_string(i))));
        EXPECT_EQ(look("alice").messages.size(), i);
    }
}

TEST_F(SnapshotLedgerTest, IsACopyOfOneMoment) {
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    const auto copy = fixture_.open_read_only();
    ASSERT_TRUE(copy) << copy.error().text;
    ASSERT_TRUE(client_.put("alice", record_of("2")));
    BorrowedLedger borrowed(fixture_, **copy);
    EXPECT_EQ(Client<BorrowedLedger>(borrowed).load("alice")->messages.size(), 1U);
}

TEST_F(SnapshotLedgerTest, RecordsNothing) {
    const auto copy = fixture_.open_read_only();
    ASSERT_TRUE(copy) << copy.error().text;
    BorrowedLedger borrowed(fixture_, **copy);
    Client<BorrowedLedger> looker(borrowed);
    const auto written = looker.put("alice", record_of("1"));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::unsupported);
    EXPECT_TRUE(looker.sync());
    EXPECT_FALSE(client_.load("alice")->known);
}

TEST_F(SnapshotLedgerTest, WhatIsNoLedgerIsRefused) {
    fixture_.close();
    postrider::test::write_whole(fixture_.path_of("ledger.db"), std::string(10000, 'x'));
    const auto copy = fixture_.open_read_only();
    ASSERT_FALSE(copy);
    EXPECT_EQ(copy.error().code, Errc::corrupt);
}

TEST_F(SnapshotLedgerTest, APathMayHoldWhatAUriMayNot) {
    const postrider::test::TempDir directory;
    const std::string odd = directory / "a?b#c%41";
    {
        auto state = StateDir::open(odd);
        ASSERT_TRUE(state);
        const auto ledger = open_ledger(fixture_.loop(), *state, {});
        ASSERT_TRUE(ledger);
        BorrowedLedger borrowed(fixture_, **ledger);
        ASSERT_TRUE(Client<BorrowedLedger>(borrowed).put("alice", record_of("1")));
    }
    const auto copy = open_ledger_read_only(fixture_.loop(), odd, {});
    ASSERT_TRUE(copy) << copy.error().text;
    BorrowedLedger borrowed(fixture_, **copy);
    EXPECT_TRUE(Client<BorrowedLedger>(borrowed).load("alice")->known);
}

}  // namespace
}  // namespace postrider::store::test
