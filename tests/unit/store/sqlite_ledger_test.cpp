#include "postrider/store/sqlite_ledger.h"

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/store/ledger_fixtures.h"

namespace postrider::store::test {
namespace {

using postrider::test::read_whole;
using postrider::test::write_whole;

class SqliteLedgerTest : public testing::Test {
  protected:
    void reopen() {
        fixture_.close();
        fixture_.open();
    }
    void expect_refused(Errc code, const std::string& part_of_text) {
        const auto error = fixture_.try_open();
        ASSERT_TRUE(error.has_value());
        EXPECT_EQ(error->code, code) << error->text;
        EXPECT_EQ(error->retry, Retry::never);
        EXPECT_NE(error->text.find(part_of_text), std::string::npos) << error->text;
    }
    [[nodiscard]] std::string ledger_path() const { return fixture_.path_of("ledger.db"); }

    SqliteFixture fixture_;
    Client<SqliteFixture> client_{fixture_};
};

TEST_F(SqliteLedgerTest, KeepsRecordsAndKeyAcrossReopening) {
    const std::string key(fixture_.ledger().installation_key().reveal());
    ASSERT_TRUE(client_.write("alice", {PutMessage{full_record()}, PutState{{true}}}));
    reopen();
    EXPECT_EQ(fixture_.ledger().installation_key().reveal(), key);
    const auto loaded = client_.load("alice");
    ASSERT_TRUE(loaded);
    EXPECT_TRUE(loaded->state.needs_settling);
    EXPECT_EQ(loaded->messages, std::vector{full_record()});
    EXPECT_NE(SqliteFixture().ledger().installation_key().reveal(), key);
}

TEST_F(SqliteLedgerTest, TheDestructorRecordsWhatWasAskedFor) {
    std::vector<std::unique_ptr<event::Operation>> operations;
    operations.reserve(100);
    bool called = false;
    for (int i = 0; i < 100; ++i) {
        operations.push_back(
            fixture_.ledger().write("alice", {PutMessage{record_of(std::to_string(i))}},
                                    [&](const Expected<void>&) { called = true; }));
    }
    reopen();
    EXPECT_FALSE(called);
    EXPECT_EQ(client_.load("alice")->messages.size(), 100U);
}

TEST_F(SqliteLedgerTest, AClosedLedgerIsOneFileForItsOwnerOnly) {
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    fixture_.close();
    EXPECT_FALSE(std::filesystem::exists(ledger_path() + "-wal"));
    struct stat status {};
    ASSERT_EQ(::stat(ledger_path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

/// Writes in a child that is killed once `done` has said so.
void write_and_be_killed(const std::string& state_path) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto loop = event::make_libevent_loop();
        auto state = StateDir::open(state_path);
        auto ledger = open_ledger(*loop, *state, {});
        [[maybe_unused]] const auto operation =
            (*ledger)->write("alice", {PutMessage{full_record()}}, [](const Expected<void>& done) {
                if (done) {
                    ::raise(SIGKILL);
                }
            });
        run_until(*loop, [] { return false; });
        ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(SqliteLedgerTest, AWriteThatIsDoneSurvivesKill9) {
    fixture_.close();
    write_and_be_killed(fixture_.state_path());
    fixture_.open();
    EXPECT_EQ(client_.load("alice")->messages, std::vector{full_record()});
}

TEST_F(SqliteLedgerTest, ACloserLookAfterKill9ChangesNothing) {
    fixture_.close();
    write_and_be_killed(fixture_.state_path());
    const std::string log = read_whole(ledger_path() + "-wal");
    const auto copy = fixture_.open_read_only();
    ASSERT_TRUE(copy) << copy.error().text;
    BorrowedLedger borrowed(fixture_, **copy);
    EXPECT_EQ(Client<BorrowedLedger>(borrowed).load("alice")->messages, std::vector{full_record()});
    EXPECT_EQ(read_whole(ledger_path() + "-wal"), log);
}

TEST_F(SqliteLedgerTest, AChangeSetThatCannotBeRecordedTakesNoOtherDown) {
    std::vector<bool> results;
    std::vector<std::unique_ptr<event::Operation>> operations;
    const auto write = [&](const std::string& account, std::vector<Change> changes) {
        operations.push_back(fixture_.ledger().write(
            account, std::move(changes), [&](const Expected<void>& r) { results.push_back(!!r); }));
    };
    write("alice", {PutMessage{record_of("1")}});
    write("bob", {PutMessage{record_of("1")}, PutMessage{record_of("2", static_cast<Phase>(99))}});
    write("carol", {PutMessage{record_of("1")}});
    ASSERT_TRUE(fixture_.until([&] { return results.size() == 3; }));
    EXPECT_EQ(results, (std::vector{true, false, true}));
    EXPECT_TRUE(client_.load("alice")->known);
    EXPECT_FALSE(client_.load("bob")->known) << "all or none";
    EXPECT_TRUE(client_.load("carol")->known);
    EXPECT_TRUE(client_.put("bob", record_of("1")));
    reopen();
    EXPECT_EQ(client_.load("bob")->messages.size(), 1U);
}

TEST_F(SqliteLedgerTest, TheLogIsMovedIntoTheTablesBeforeItGrowsLarge) {
    MessageRecord record = record_of("");
    record.note.assign(3000, 'n');
    for (int i = 0; i < 60; ++i) {
        std::vector<Change> changes;
        for (int j = 0; j < 100; ++j) {
            record.key.uid = std::to_string(i * 100 + j);
            changes.emplace_back(PutMessage{record});
        }
        ASSERT_TRUE(client_.write("alice", std::move(changes)));
    }
    EXPECT_LT(std::filesystem::file_size(ledger_path() + "-wal"), 8U << 20U);
    EXPECT_GT(std::filesystem::file_size(ledger_path()), 8U << 20U);
    EXPECT_EQ(client_.load("alice")->messages.size(), 6000U);
}

// What is refused at the opening, and left as it is.

TEST_F(SqliteLedgerTest, ANewerSchemaIsRefusedAndNotTouched) {
    fixture_.close();
    SQLite::Database(ledger_path(), SQLITE_OPEN_READWRITE).exec("PRAGMA user_version = 99");
    const std::string before = read_whole(ledger_path());
    expect_refused(Errc::config, "newer version");
    EXPECT_EQ(read_whole(ledger_path()), before);
}

TEST_F(SqliteLedgerTest, AnotherDatabaseIsRefusedAndNotTouched) {
    fixture_.close();
    std::filesystem::remove(ledger_path());
    SQLite::Database(ledger_path(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        .exec("CREATE TABLE t (x)");
    const std::string before = read_whole(ledger_path());
    expect_refused(Errc::corrupt, "not a ledger");
    EXPECT_EQ(read_whole(ledger_path()), before);
}

TEST_F(SqliteLedgerTest, WhatIsNoDatabaseIsRefusedAndNotTouched) {
    fixture_.close();
    const std::string garbage(10000, 'x');
    write_whole(ledger_path(), garbage);
    expect_refused(Errc::corrupt, ledger_path());
    expect_refused(Errc::corrupt, "restore it from a backup");
    EXPECT_EQ(read_whole(ledger_path()), garbage);
}

TEST_F(SqliteLedgerTest, ADamagedPageIsRefusedAndNotTouched) {
    std::vector<Change> changes;
    changes.reserve(1000);
    for (int i = 0; i < 1000; ++i) {
        changes.emplace_back(PutMessage{record_of(std::to_string(i))});
    }
    ASSERT_TRUE(client_.write("alice", std::move(changes)));
    fixture_.close();
    std::string content = read_whole(ledger_path());
    ASSERT_GT(content.size(), 10 * 4096U);
    content.replace(content.size() - 4096, 4096, 4096, '\xee');
    write_whole(ledger_path(), content);
    expect_refused(Errc::corrupt, "damaged");
    EXPECT_EQ(read_whole(ledger_path()), content);
}

// The guard against loss.

class LossGuardTest : public SqliteLedgerTest {
  protected:
    /// The installation has polled an account, and is closed.
    void SetUp() override {
        ASSERT_TRUE(client_.put("alice", record_of("1")));
        fixture_.close();
    }
    void expect_doubt(const std::string& part_of_text) {
        expect_refused(Errc::doubt, part_of_text);
        const auto error = fixture_.try_open();
        ASSERT_TRUE(error.has_value()) << "doubt does not pass by trying again";
        EXPECT_NE(error->text.find("--accept-state-loss"), std::string::npos) << error->text;
    }
    /// After the doubt was accepted it is gone for good.
    void expect_accepted(std::size_t records) {
        fixture_.open({.accept_state_loss = true});
        EXPECT_EQ(client_.load("alice")->messages.size(), records);
        reopen();
        EXPECT_EQ(client_.load("alice")->messages.size(), records);
    }
};

TEST_F(LossGuardTest, AnUntouchedInstallationOpensAgainAndAgain) {
    fixture_.open();
    reopen();
    EXPECT_TRUE(client_.load("alice")->known);
}

TEST_F(LossGuardTest, AMissingLedgerIsDoubtAndIsNotMade) {
    std::filesystem::remove(ledger_path());
    expect_doubt("missing");
    EXPECT_FALSE(std::filesystem::exists(ledger_path()));
    expect_accepted(0);
}

TEST_F(LossGuardTest, AnEmptyLedgerIsDoubt) {
    write_whole(ledger_path(), "");
    expect_doubt("missing");
    expect_accepted(0);
}

TEST_F(LossGuardTest, ALedgerOfAnotherInstallationIsDoubt) {
    SqliteFixture other;
    ASSERT_TRUE(Client<SqliteFixture>(other).put("bob", record_of("1")));
    other.close();
    write_whole(ledger_path(), read_whole(other.path_of("ledger.db")));
    expect_doubt("another installation");
    expect_accepted(0);
}

TEST_F(LossGuardTest, ARestoredOlderLedgerIsDoubt) {
    const std::string backup = read_whole(ledger_path());
    fixture_.open();
    ASSERT_TRUE(client_.put("alice", record_of("2")));
    fixture_.close();
    write_whole(ledger_path(), backup);
    expect_doubt("backup");
    expect_accepted(1);
}

TEST_F(LossGuardTest, ALedgerThatLacksAPolledAccountIsDoubt) {
    fixture_.open();
    const std::string backup = read_whole(ledger_path());
    ASSERT_TRUE(client_.put("bob", record_of("1")));
    fixture_.close();
    // Same generation, so only the account tells.
    SQLite::Database(ledger_path(), SQLITE_OPEN_READWRITE)
        .exec("DELETE FROM accounts WHERE name = 'bob'");
    expect_doubt("backup");
    expect_accepted(1);
}

TEST_F(LossGuardTest, AMissingMarkerIsDoubt) {
    std::filesystem::remove(fixture_.path_of("installation"));
    expect_doubt("`installation`");
    expect_accepted(1);
}

TEST_F(LossGuardTest, ADamagedMarkerIsDoubt) {
    write_whole(fixture_.path_of("installation"), "postrider inst");
    expect_doubt("`installation`");
    expect_accepted(1);
}

TEST_F(LossGuardTest, TheMarkerNamesTheAccountsOnceASyncIsAnswered) {
    fixture_.open();
    ASSERT_TRUE(client_.write("carol\n", {}));
    ASSERT_TRUE(client_.sync());
    const std::string marker = read_whole(fixture_.path_of("installation"));
    EXPECT_NE(marker.find("account alice\naccount carol\\x0a\n"), std::string::npos) << marker;
    fixture_.close();
    fixture_.open();
}

TEST_F(LossGuardTest, AReadOnlyLookHasTheSameDoubtAndCanSeePastIt) {
    std::filesystem::remove(ledger_path());
    const auto refused = fixture_.open_read_only();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::doubt);
    const auto copy = fixture_.open_read_only({.accept_state_loss = true});
    ASSERT_TRUE(copy) << copy.error().text;
    BorrowedLedger borrowed(fixture_, **copy);
    EXPECT_FALSE(Client<BorrowedLedger>(borrowed).load("alice")->known);
    expect_doubt("missing");
}

INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, LedgerContract, SqliteFixture);

}  // namespace
}  // namespace postrider::store::test
