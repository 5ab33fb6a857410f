#include "store/schema.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "store/records.h"

namespace postrider::store {
namespace {

/// As the first version made it.
constexpr const char* kFirstSchema = R"sql(
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, needs_settling INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE messages (
    account INTEGER NOT NULL, uid BLOB NOT NULL, occurrence INTEGER NOT NULL,
    listed_size INTEGER NOT NULL, sha256 BLOB CHECK (length(sha256) = 32),
    phase INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 4), first_seen INTEGER NOT NULL,
    delivered_at INTEGER, failures INTEGER NOT NULL, failing_since INTEGER, retry_after INTEGER,
    absent_since INTEGER, settled BLOB NOT NULL, held_copy INTEGER NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (account, uid, occurrence)
) STRICT, WITHOUT ROWID;
INSERT INTO accounts VALUES (7, 'alice', 1);
INSERT INTO messages VALUES (7, x'61FF', 2, 100, NULL, 1, 5, 6, 3, 7, 8, 9, x'333A6140622C', 1, 'note');
PRAGMA application_id = 0x50526472;
PRAGMA user_version = 1;
)sql";

TEST(Schema, WhatTheFirstVersionKnewIsKept) {
    SQLite::Database database(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    database.exec(kFirstSchema);
    const auto version = schema_of(database);
    ASSERT_TRUE(version);
    ASSERT_EQ(*version, 1);
    migrate(database, *version);
    EXPECT_EQ(schema_of(database), newest_schema());

    Records records(database);
    const AccountRecords alice = records.load("alice");
    EXPECT_TRUE(alice.known);
    EXPECT_TRUE(alice.state.needs_settling);
    EXPECT_TRUE(alice.state.quirks.empty());
    ASSERT_EQ(alice.messages.size(), 1U);
    MessageRecord kept;
    kept.key = {"a\xff", 2};
    kept.listed_size = 100;
    kept.phase = Phase::delivered;
    const auto at = [](int milliseconds) { return WallTime(WallTime::duration(milliseconds)); };
    kept.first_seen = at(5);
    kept.delivered_at = at(6);
    kept.failures = 3;
    kept.failing_since = at(7);
    kept.retry_after = at(8);
    kept.absent_since = at(9);
    kept.settled_recipients = {"a@b"};
    kept.held_copy = true;
    kept.note = "note";
    EXPECT_EQ(alice.messages.front(), kept);
}

TEST(Schema, AMigrationThatWasDoneIsNotDoneAgain) {
    SQLite::Database database(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    migrate(database, 0);
    migrate(database, newest_schema());
    EXPECT_EQ(schema_of(database), newest_schema());
}

}  // namespace
}  // namespace postrider::store
