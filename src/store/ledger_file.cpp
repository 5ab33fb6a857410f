#include "store/ledger_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "postrider/base/file_handle.h"
#include "postrider/base/files.h"
#include "postrider/base/text.h"

#include "store/schema.h"
#include "store/sqlite_error.h"

namespace postrider::store {
namespace {

/// Another program may look into the file (sqlite3, a backup): wait that long for its lock.
constexpr int kBusyMilliseconds = 2000;
constexpr std::size_t kMarkerLimit = 64UL * 1024 * 1024;
constexpr std::size_t kKeyOctets = 32;
constexpr std::size_t kIdOctets = 16;

std::string hex_of(const std::string& octets) {
    std::array<std::uint8_t, kIdOctets> bytes{};
    std::copy(octets.begin(), octets.end(), bytes.begin());
    return to_hex(bytes);
}

/// Is there a ledger that is more than an empty file?
Expected<bool> has_ledger(const StateDir& state) {
    struct stat status {};
    if (::fstatat(state.descriptor(), kLedgerName, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
            return false;
        }
        return failure(file_error("cannot open the ledger " + state.ledger_path(), errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return failure(Errc::config, Retry::never,
                       "the ledger " + state.ledger_path() + " is not a regular file");
    }
    return status.st_size > 0;
}

/// Makes the empty file ourselves: SQLite gives its log the mode of the ledger, and the ledger
/// holds the key of the installation.
Expected<void> make_file(const StateDir& state) {
    const std::string what = "cannot make the ledger " + state.ledger_path();
    const FileHandle file(
        ::openat(state.descriptor(), kLedgerName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) {
        return failure(file_error(what, errno));
    }
    return make_durable(state.descriptor(), what);
}

template <class T>
void set_meta(SQLite::Database& database, const char* key, const T& value) {
    SQLite::Statement statement(database, "REPLACE INTO meta (key, value) VALUES (?, ?)");
    statement.bind(1, key);
    if constexpr (std::is_integral_v<T>) {
        statement.bind(2, static_cast<std::int64_t>(value));
    } else {
        statement.bind(2, value);
    }
    statement.exec();
}

}  // namespace

std::optional<Installation> read_installation(SQLite::Database& database) {
    Installation installation;
    SQLite::Statement meta(database,
                           "SELECT key, value FROM meta WHERE key IN ('installation', "
                           "'generation')");
    while (meta.executeStep()) {
        if (meta.getColumn(0).getString() == "generation") {
            installation.generation = static_cast<std::uint64_t>(meta.getColumn(1).getInt64());
        } else {
            installation.id = meta.getColumn(1).getString();
        }
    }
    if (installation.id.empty()) {
        return std::nullopt;
    }
    SQLite::Statement names(database, "SELECT name FROM accounts");
    while (names.executeStep()) {
        installation.accounts.insert(escaped(names.getColumn(0).getString()));
    }
    return installation;
}

Expected<void> read_marker(int directory, const std::string& path, Findings& found) {
    auto text = read_file(directory, kMarkerName, kMarkerLimit, "cannot read " + path);
    if (!text) {
        return failure(text.error());
    }
    if (*text) {
        found.marker = parse_marker(**text);
        found.marker_unreadable = !found.marker;
    }
    return {};
}

Secret read_installation_key(SQLite::Database& database) {
    SQLite::Statement key(database, "SELECT value FROM meta WHERE key = 'installation_key'");
    if (!key.executeStep() || key.getColumn(0).getBytes() != static_cast<int>(kKeyOctets)) {
        throw SQLite::Exception("the key of the installation is missing", SQLITE_CORRUPT);
    }
    return Secret(key.getColumn(0).getString());
}

LedgerFile::LedgerFile(const std::string& path)
    : database_(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                kBusyMilliseconds) {
    set_checkpoint_at_close(false);
}

Expected<std::unique_ptr<LedgerFile>> LedgerFile::open(const StateDir& state,
                                                       const LedgerOptions& options,
                                                       const RandomOctets& random_octets) {
    Findings found;
    found.ledger_path = state.ledger_path();
    if (auto read = read_marker(state.descriptor(), state.path() + "/" + kMarkerName, found);
        !read) {
        return failure(read.error());
    }
    const auto exists = has_ledger(state);
    if (!exists) {
        return failure(exists.error());
    }
    if (!*exists) {
        // Asked before anything is made: who declines finds everything as it was.
        if (auto trusted = judge(found); !trusted && !options.accept_state_loss) {
            return failure(trusted.error());
        }
        if (auto made = make_file(state); !made) {
            return failure(made.error());
        }
    }
    auto file = catching_sqlite("cannot open the ledger " + found.ledger_path, [&] {
        return std::unique_ptr<LedgerFile>(new LedgerFile(found.ledger_path));
    });
    if (!file) {
        return file;
    }
    if (auto begun = (*file)->begin(state, options, random_octets, found); !begun) {
        return failure(begun.error());
    }
    return file;
}

Expected<void> LedgerFile::begin(const StateDir& state, const LedgerOptions& options,
                                 const RandomOctets& random_octets, Findings& found) {
    const auto schema = schema_of(database_);
    if (!schema) {
        return failure(schema.error());
    }
    const std::string what = "cannot open the ledger " + found.ledger_path;
    if (auto writable = check_writable(state, what); !writable) {
        return writable;
    }
    if (*schema > 0) {
        auto installation = catching_sqlite(what, [&] { return read_installation(database_); });
        if (!installation) {
            return failure(installation.error());
        }
        found.ledger = *std::move(installation);
    }
    if (auto trusted = judge(found); !trusted && !options.accept_state_loss) {
        return trusted;
    }
    if (auto prepared = catching_sqlite(what,
                                        [&] {
                                            prepare(*schema);
                                            begin_generation(found, random_octets);
                                        });
        !prepared) {
        return prepared;
    }
    if (auto synced = sync_wal(); !synced) {
        return synced;
    }
    // The log is a new file in the directory.
    return make_durable(state.descriptor(), what);
}

/// SQLite opens for reading what it cannot open for writing, and says so at the first write only.
Expected<void> LedgerFile::check_writable(const StateDir& state, const std::string& what) {
    if (sqlite3_db_readonly(database_.getHandle(), "main") != 1) {
        return {};
    }
    const FileHandle again(
        ::openat(state.descriptor(), kLedgerName, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!again.is_open()) {
        return failure(file_error(what, errno));
    }
    return failure(Errc::io, Retry::later, what + ": it could not be opened for writing just now");
}

void LedgerFile::prepare(int schema) {
    database_.exec("PRAGMA page_size = 4096");
    // To its end: the switch is committed only behind the row that tells the mode.
    SQLite::Statement journal(database_, "PRAGMA journal_mode = WAL");
    const std::string mode = journal.executeStep() ? journal.getColumn(0).getString() : "";
    while (journal.executeStep()) {
    }
    if (mode != "wal") {
        throw SQLite::Exception("its file system cannot hold a write-ahead log", SQLITE_READONLY);
    }
    database_.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
    sqlite3_wal_hook(
        database_.getHandle(),
        [](void* self, sqlite3*, const char*, int pages) {
            static_cast<LedgerFile*>(self)->on_commit(pages);
            return SQLITE_OK;
        },
        this);
    migrate(database_, schema);
}

void LedgerFile::begin_generation(const Findings& found, const RandomOctets& random_octets) {
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    if (found.ledger) {
        installation_ = *found.ledger;
    } else {
        installation_.id = hex_of(random_octets(kIdOctets));
        set_meta(database_, "installation", installation_.id);
        const std::string key = random_octets(kKeyOctets);
        SQLite::Statement statement(
            database_, "REPLACE INTO meta (key, value) VALUES ('installation_key', ?)");
        statement.bind(1, key.data(), static_cast<int>(key.size()));
        statement.exec();
    }
    if (found.marker) {
        installation_.generation = std::max(installation_.generation, found.marker->generation);
    }
    ++installation_.generation;
    set_meta(database_, "generation", installation_.generation);
    transaction.commit();
    database_.check(sqlite3_file_control(database_.getHandle(), "main",
                                         SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&wal_)));
    if (wal_ == nullptr || wal_->pMethods == nullptr) {
        throw SQLite::Exception("its write-ahead log is not open", SQLITE_IOERR);
    }
}

Expected<void> LedgerFile::sync_wal() {
    if (const int code = wal_->pMethods->xSync(wal_, SQLITE_SYNC_NORMAL); code != SQLITE_OK) {
        Error error = sqlite_error(SQLITE_IOERR_FSYNC,
                                   "cannot make the ledger " + database_.getFilename() + " durable",
                                   sqlite3_errstr(code));
        return failure(std::move(error));
    }
    return {};
}

Expected<void> LedgerFile::checkpoint_if_due() {
    if (!is_checkpoint_due()) {
        return {};
    }
    // Whether it got through or not (a reader may stand in the way): again after as much more.
    checkpoint_at_ = wal_pages_ + kCheckpointPages;
    const int code = sqlite3_wal_checkpoint_v2(database_.getHandle(), "main",
                                               SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code == SQLITE_OK) {
        return {};
    }
    Error error = sqlite_error(code, "cannot write the ledger " + database_.getFilename(),
                               sqlite3_errmsg(database_.getHandle()));
    if (error.retry != Retry::never) {
        return {};
    }
    return failure(std::move(error));
}

void LedgerFile::on_commit(int wal_pages) {
    if (wal_pages < wal_pages_) {
        checkpoint_at_ = kCheckpointPages;  // the log was begun anew
    }
    wal_pages_ = wal_pages;
}

void LedgerFile::set_checkpoint_at_close(bool wanted) {
    sqlite3_db_config(database_.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1,
                      nullptr);
}

}  // namespace postrider::store
