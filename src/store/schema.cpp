#include "store/schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "store/sqlite_error.h"

namespace postrider::store {
namespace {

/// "PRdr": tells file(1), and us, whose file this is.
constexpr int kApplicationId = 0x50526472;

/// Step n brings version n to n + 1. What was released is never changed: new steps follow.
/// meta, and the names in accounts, are read before any migration: they keep their form for ever.
constexpr std::array<const char*, 4> kMigrations = {
    // UIDs are octets, compared as octets. Times are milliseconds since 1970 in UTC. A size uses
    // all 64 bits. settled is a row of netstrings. Rows are addressed by their key alone.
    R"sql(
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    needs_settling INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE messages (
    account       INTEGER NOT NULL,
    uid           BLOB NOT NULL,
    occurrence    INTEGER NOT NULL,
    listed_size   INTEGER NOT NULL,
    sha256        BLOB CHECK (length(sha256) = 32),
    phase         INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 4),
    first_seen    INTEGER NOT NULL,
    delivered_at  INTEGER,
    failures      INTEGER NOT NULL,
    failing_since INTEGER,
    retry_after   INTEGER,
    absent_since  INTEGER,
    settled       BLOB NOT NULL,
    held_copy     INTEGER NOT NULL,
    note          TEXT NOT NULL,
    PRIMARY KEY (account, uid, occurrence)
) STRICT, WITHOUT ROWID;
)sql",
    // Phase 5, skipped: a CHECK cannot be changed in place. What was learned of servers.
    R"sql(
ALTER TABLE messages RENAME TO messages_1;

CREATE TABLE messages (
    account       INTEGER NOT NULL,
    uid           BLOB NOT NULL,
    occurrence    INTEGER NOT NULL,
    listed_size   INTEGER NOT NULL,
    sha256        BLOB CHECK (length(sha256) = 32),
    phase         INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 5),
    first_seen    INTEGER NOT NULL,
    delivered_at  INTEGER,
    failures      INTEGER NOT NULL,
    failing_since INTEGER,
    retry_after   INTEGER,
    absent_since  INTEGER,
    settled       BLOB NOT NULL,
    held_copy     INTEGER NOT NULL,
    note          TEXT NOT NULL,
    PRIMARY KEY (account, uid, occurrence)
) STRICT, WITHOUT ROWID;

INSERT INTO messages SELECT * FROM messages_1;
DROP TABLE messages_1;

-- "name=milliseconds" each, separated by blanks: until when it is believed.
ALTER TABLE accounts ADD COLUMN quirks TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
ALTER TABLE messages ADD COLUMN awaits_quit INTEGER NOT NULL DEFAULT 0;
)sql",
    // A row of netstrings, as settled.
    R"sql(
ALTER TABLE messages ADD COLUMN in_doubt BLOB NOT NULL DEFAULT x'';
)sql",
};

int pragma(SQLite::Database& database, const char* name) {
    return database.execAndGet(fmt::format("PRAGMA {}", name)).getInt();
}

Expected<int> check_schema(SQLite::Database& database) {
    const int application = pragma(database, "application_id");
    const int version = pragma(database, "user_version");
    const int objects = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt();
    if (application == 0 && version == 0 && objects == 0) {
        return 0;
    }
    if (application != kApplicationId || version <= 0) {
        return failure(Errc::corrupt, Retry::never,
                       database.getFilename() + " is a database, but not a ledger of postrider");
    }
    if (version > newest_schema()) {
        return failure(Errc::config, Retry::never,
                       fmt::format("the ledger {} has schema {}, this postrider knows up to {}: it "
                                   "was written by a newer version; use that one",
                                   database.getFilename(), version, newest_schema()));
    }
    return version;
}

/// The code of the I/O error or lack of memory that quick_check met, or SQLITE_OK.
int read_error_in(std::string_view verdict) {
    constexpr std::string_view kLead = "error code=";
    const std::size_t at = verdict.find(kLead);
    int code = SQLITE_OK;
    if (at != std::string_view::npos) {
        const std::string_view digits = verdict.substr(at + kLead.size());
        std::from_chars(digits.data(), digits.data() + digits.size(), code);
    }
    const int primary = code & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_NOMEM ? code : SQLITE_OK;
}

Expected<void> check_integrity(SQLite::Database& database) {
    std::string verdict = database.execAndGet("PRAGMA quick_check(1)").getString();
    std::replace(verdict.begin(), verdict.end(), '\n', ' ');
    if (verdict != "ok") {
        // A page that cannot be read now says nothing about what is written on it.
        if (const int code = read_error_in(verdict); code != SQLITE_OK) {
            return failure(sqlite_error(code, "cannot read the ledger " + database.getFilename(),
                                        sqlite3_errstr(code)));
        }
        return failure(Errc::corrupt, Retry::never,
                       fmt::format("the ledger {} is damaged ({}){}", database.getFilename(),
                                   verdict, kDamageAdvice));
    }
    return {};
}

}  // namespace

int newest_schema() {
    return static_cast<int>(kMigrations.size());
}

Expected<int> schema_of(SQLite::Database& database) {
    return catching_sqlite("cannot read the ledger " + database.getFilename(), [&] {
        auto version = check_schema(database);
        if (version && *version > 0) {
            if (auto intact = check_integrity(database); !intact) {
                version = failure(intact.error());
            }
        }
        return version;
    });
}

void migrate(SQLite::Database& database, int from) {
    for (int version = from; version < newest_schema(); ++version) {
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        database.exec(kMigrations.at(static_cast<std::size_t>(version)));
        database.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
        database.exec(fmt::format("PRAGMA user_version = {}", version + 1));
        transaction.commit();
    }
}

}  // namespace postrider::store
