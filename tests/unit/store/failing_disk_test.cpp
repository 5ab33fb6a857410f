// The SQLite ledger on disks that fail, wait, or lose their power.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "unit/store/fault_vfs.h"
#include "unit/store/ledger_fixtures.h"

namespace postrider::store::test {
namespace {

using postrider::test::read_whole;
using postrider::test::write_whole;

class FailingDiskTest : public testing::Test {
  protected:
    void TearDown() override { disk_.let_syncs_go(); }

    FaultVfs disk_;
    SqliteFixture fixture_;
    Client<SqliteFixture> client_{fixture_};
};

TEST_F(FailingDiskTest, AFullDiskIsToldAndPasses) {
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    disk_.write_result = SQLITE_FULL;
    const auto full = client_.put("alice", record_of("2"));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Errc::io);
    EXPECT_EQ(full.error().retry, Retry::later);
    EXPECT_FALSE(client_.put("new", record_of("2")));
    EXPECT_EQ(client_.load("alice")->messages.size(), 1U);
    EXPECT_TRUE(client_.sync());
    disk_.write_result = SQLITE_OK;
    EXPECT_TRUE(client_.put("alice", record_of("2")));
    EXPECT_TRUE(client_.put("new", record_of("2")));
    EXPECT_EQ(client_.load("alice")->messages.size(), 2U);
    EXPECT_EQ(client_.load("new")->messages.size(), 1U);
}

TEST_F(FailingDiskTest, AnIoErrorIsToldAndPasses) {
    disk_.write_result = SQLITE_IOERR_WRITE;
    const auto failed = client_.put("alice", record_of("1"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().retry, Retry::later);
    disk_.write_result = SQLITE_OK;
    EXPECT_TRUE(client_.put("alice", record_of("1")));
}

TEST_F(FailingDiskTest, AFailedFsyncIsFinal) {
    ASSERT_TRUE(client_.sync());
    disk_.sync_result = SQLITE_IOERR_FSYNC;
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    const auto failed = client_.sync();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::io);
    EXPECT_EQ(failed.error().retry, Retry::never);
    disk_.sync_result = SQLITE_OK;
    for (const auto& later : {client_.sync(), client_.put("alice", record_of("2"))}) {
        ASSERT_FALSE(later);
        EXPECT_EQ(later.error().retry, Retry::never);
    }
    EXPECT_FALSE(client_.load("alice"));
    // The log is left for the next start to judge.
    fixture_.close();
    EXPECT_TRUE(std::filesystem::exists(fixture_.path_of("ledger.db-wal")));
    fixture_.open();
    EXPECT_EQ(client_.load("alice")->messages.size(), 1U);
}

TEST_F(FailingDiskTest, WritesGoOnWhileAnFsyncTakesItsTime) {
    disk_.hold_syncs();
    bool synced = false;
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    const auto sync =
        fixture_.ledger().sync([&](const Expected<void>& r) { synced = r.has_value(); });
    ASSERT_TRUE(client_.put("alice", record_of("2")));
    EXPECT_FALSE(synced);
    disk_.let_syncs_go();
    EXPECT_TRUE(fixture_.until([&] { return synced; }));
}

TEST_F(FailingDiskTest, OneFsyncServesAllWhoWait) {
    ASSERT_TRUE(client_.sync());
    disk_.hold_syncs();
    const int before = disk_.log_syncs;
    ASSERT_TRUE(client_.put("alice", record_of("0")));
    ASSERT_TRUE(fixture_.until([&] { return disk_.log_syncs > before; })) << "the first is held";
    int synced = 0;
    std::vector<std::unique_ptr<event::Operation>> operations;
    for (int i = 1; i <= 50; ++i) {
        ASSERT_TRUE(client_.put("alice", record_of(std::to_string(i))));
        operations.push_back(
            fixture_.ledger().sync([&](const Expected<void>& r) { synced += r ? 1 : 0; }));
    }
    // Asked after all syncs on the writer's queue: they wait for the one that is held.
    ASSERT_TRUE(client_.load("alice"));
    EXPECT_EQ(synced, 0);
    disk_.let_syncs_go();
    ASSERT_TRUE(fixture_.until([&] { return synced == 50; }));
    EXPECT_LE(disk_.log_syncs, before + 2) << "the held one covers none of them";
}

TEST_F(FailingDiskTest, AWriteBecomesDurableWithoutBeingAsked) {
    ASSERT_TRUE(client_.sync());
    const int before = disk_.log_syncs;
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    EXPECT_TRUE(fixture_.until([&] { return disk_.log_syncs > before; }));
}

TEST_F(FailingDiskTest, ASyncWithNothingNewTouchesNoDisk) {
    ASSERT_TRUE(client_.put("alice", record_of("1")));
    ASSERT_TRUE(client_.sync());
    const int before = disk_.log_syncs;
    ASSERT_TRUE(client_.sync());
    EXPECT_EQ(disk_.log_syncs, before);
}

/// A ledger that is opened while the disk has a fault, and again when it has passed.
class FailingOpenTest : public testing::Test {
  protected:
    FailingOpenTest() { fixture_.close(); }

    void remove_ledger() const {
        for (const std::string name : {"ledger.db", "ledger.db-wal", "installation"}) {
            std::filesystem::remove(fixture_.path_of(name));
        }
    }
    void expect_told_for_now(const std::string& words) {
        const auto error = fixture_.try_open();
        fixture_.close();
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code, Errc::io) << error->text;
        EXPECT_EQ(error->retry, Retry::later) << error->text;
        EXPECT_NE(error->text.find(words), std::string::npos) << error->text;
    }
    void expect_opens() {
        const auto error = fixture_.try_open();
        EXPECT_FALSE(error.has_value()) << error->text;
    }

    FaultVfs disk_;
    SqliteFixture fixture_;
};

TEST_F(FailingOpenTest, AFaultInSwitchingToTheLogIsTold) {
    remove_ledger();
    disk_.delete_result = SQLITE_IOERR_DELETE;
    expect_told_for_now("disk I/O error");
    disk_.delete_result = SQLITE_OK;
    expect_opens();
}

TEST_F(FailingOpenTest, AFileThatCouldNotBeOpenedForWritingIsTold) {
    disk_.is_read_only = true;
    expect_told_for_now("it could not be opened for writing just now");
    disk_.is_read_only = false;
    expect_opens();
}

TEST_F(FailingOpenTest, APageThatCannotBeReadIsNoDamage) {
    disk_.read_result = SQLITE_IOERR_CORRUPTFS;
    expect_told_for_now("cannot read the ledger");
    disk_.read_result = SQLITE_OK;
    expect_opens();
}

/// What the disk holds after a power cut, in a state directory of its own, opened.
std::size_t records_after_power_cut(FaultVfs& disk, const SqliteFixture& fixture) {
    const auto durable = disk.durable();
    SqliteFixture after;
    after.close();
    for (const std::string name : {"ledger.db", "ledger.db-wal"}) {
        const auto found = durable.find(fixture.path_of(name));
        write_whole(after.path_of(name), found == durable.end() ? "" : found->second);
    }
    write_whole(after.path_of("installation"), read_whole(fixture.path_of("installation")));
    const auto error = after.try_open();
    EXPECT_FALSE(error.has_value()) << error->text;
    return error ? 0 : Client<SqliteFixture>(after).load("alice")->messages.size();
}

TEST(PowerCut, AnAnsweredSyncHoldsAlsoAcrossResetsOfTheLog) {
    FaultVfs disk;
    disk.keep_durable = true;
    SqliteFixture fixture;
    Client<SqliteFixture> client(fixture);
    MessageRecord record = record_of("");
    record.note.assign(3000, 'n');
    std::size_t written = 0;
    for (int round = 0; round < 30; ++round) {  // 12 MiB: several logs
        std::vector<Change> changes;
        for (int i = 0; i < 130; ++i) {
            record.key.uid = std::to_string(written++);
            changes.emplace_back(PutMessage{record});
        }
        ASSERT_TRUE(client.write("alice", std::move(changes)));
        ASSERT_TRUE(client.sync());
        if (round % 4 == 3) {
            EXPECT_EQ(records_after_power_cut(disk, fixture), written);
        }
    }
}

}  // namespace
}  // namespace postrider::store::test
