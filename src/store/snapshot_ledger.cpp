// The ledger for looking at. SQLite cannot read a ledger in WAL mode without making files, unless
// told how the world is: so all is copied into memory at once, in one of two ways.
// - There is a log with content: somebody writes, or was killed. readonly_shm=1 joins a writer's
//   shared index by read locks alone, or reads the log into memory if there is no writer.
// - There is none: the ledger was closed. immutable=1 reads it without locks. A writer may start
//   meanwhile, therefore the files are looked at again afterwards.
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "postrider/base/file_handle.h"
#include "postrider/base/files.h"
#include "postrider/store/sqlite_ledger.h"

#include "store/callbacks.h"
#include "store/ledger_file.h"
#include "store/records.h"
#include "store/schema.h"
#include "store/sqlite_error.h"

namespace postrider::store {
namespace {

constexpr int kAttempts = 5;
constexpr int kBusyMilliseconds = 2000;

class SnapshotLedger final : public Ledger {
  public:
    /// Throws SQLite::Exception.
    SnapshotLedger(event::Loop& loop, SQLite::Database memory)
        : callbacks_(loop), memory_(std::move(memory)), records_(memory_) {}

    [[nodiscard]] std::unique_ptr<event::Operation> load(const std::string& account,
                                                         LoadDone done) override {
        return answer<AccountRecords>(std::move(done),
                                      catching_sqlite("cannot read the copy of the ledger",
                                                      [&] { return records_.load(account); }));
    }
    [[nodiscard]] std::unique_ptr<event::Operation> write(const std::string&, std::vector<Change>,
                                                          WriteDone done) override {
        return answer<void>(std::move(done),
                            failure(Errc::unsupported, Retry::never,
                                    "the ledger was opened for looking at: nothing is recorded"));
    }
    [[nodiscard]] std::unique_ptr<event::Operation> sync(WriteDone done) override {
        return answer<void>(std::move(done), {});
    }
    /// Empty: what is only looked at delivers nothing.
    [[nodiscard]] const Secret& installation_key() const override { return no_key_; }

  private:
    template <class Result>
    std::unique_ptr<event::Operation> answer(std::function<void(Expected<Result>)> done,
                                             Expected<Result> result) {
        auto ticket = std::make_shared<Ticket<Result>>(std::move(done));
        auto operation = std::make_unique<TicketOperation<Result>>(ticket);
        callbacks_.post({Callbacks::answer(std::move(ticket), std::move(result))});
        return operation;
    }

    Callbacks callbacks_;
    SQLite::Database memory_;
    Records records_;
    const Secret no_key_;
};

SQLite::Database make_memory() {
    return {":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX};
}

/// What tells whether a file was changed meanwhile.
struct Glimpse {
    bool exists = false;
    ino_t inode = 0;
    off_t size = 0;
    time_t seconds = 0;
    long nanoseconds = 0;
    bool operator==(const Glimpse&) const = default;
};

Glimpse look_at(int directory, const char* name) {
    struct stat status {};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return {};
    }
    return {true, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

/// RFC 3986: whatever could end the path of a "file:" URI is encoded.
std::string to_uri(std::string_view path, std::string_view mode) {
    std::string uri = "file:";
    for (const char c : path) {
        switch (c) {
            case '%':
                uri += "%25";
                break;
            case '?':
                uri += "%3f";
                break;
            case '#':
                uri += "%23";
                break;
            default:
                uri += c;
        }
    }
    return uri.append("?mode=ro&").append(mode);
}

/// Throws SQLite::Exception.
void copy(const std::string& path, bool has_log, SQLite::Database& into) {
    SQLite::Database source(to_uri(path, has_log ? "readonly_shm=1" : "immutable=1"),
                            SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                            kBusyMilliseconds);
    sqlite3_db_config(source.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    SQLite::Backup(into, source).executeStep();
}

/// A copy of the ledger as it was at one moment; empty if there is none.
Expected<SQLite::Database> copy_ledger(int directory, const std::string& path) {
    Error error{Errc::io, Retry::later, "cannot read the ledger " + path + ": it keeps changing"};
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const Glimpse ledger = look_at(directory, kLedgerName);
        const Glimpse log = look_at(directory, kWalName);
        if (ledger.size == 0) {
            return make_memory();
        }
        const bool has_log = log.size > 0;
        auto copied = catching_sqlite("cannot read the ledger " + path, [&] {
            SQLite::Database memory = make_memory();
            copy(path, has_log, memory);
            return memory;
        });
        if (!copied) {
            error = copied.error();  // a writer that ends takes its log away under our hands
            continue;
        }
        if (has_log ||
            (ledger == look_at(directory, kLedgerName) && look_at(directory, kWalName).size == 0)) {
            return copied;
        }
    }
    return failure(std::move(error));
}

/// The copy, brought to the newest schema, if the guard trusts it.
Expected<SQLite::Database> judged_copy(int directory, const std::string& state_dir,
                                       const LedgerOptions& options) {
    Findings found;
    found.ledger_path = state_dir + "/" + kLedgerName;
    // The marker first: it follows the ledger, so one read later could be ahead of the copy.
    if (auto read = read_marker(directory, state_dir + "/" + kMarkerName, found); !read) {
        return failure(read.error());
    }
    auto copied = copy_ledger(directory, found.ledger_path);
    if (!copied) {
        return copied;
    }
    const auto schema = schema_of(*copied);
    if (!schema) {
        return failure(schema.error().in(found.ledger_path));
    }
    auto prepared = catching_sqlite("cannot read the ledger " + found.ledger_path, [&] {
        if (*schema > 0) {
            found.ledger = read_installation(*copied);
        }
        migrate(*copied, *schema);
    });
    if (!prepared) {
        return failure(prepared.error());
    }
    if (auto trusted = judge(found); !trusted && !options.accept_state_loss) {
        return failure(trusted.error());
    }
    return copied;
}

Expected<SQLite::Database> empty_copy() {
    return catching_sqlite("cannot make an empty ledger", [] {
        SQLite::Database memory = make_memory();
        migrate(memory, 0);
        return memory;
    });
}

}  // namespace

Expected<std::unique_ptr<Ledger>> open_ledger_read_only(event::Loop& loop,
                                                        const std::string& state_dir,
                                                        const LedgerOptions& options) {
    const FileHandle directory(::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open() && errno != ENOENT) {
        return failure(file_error("cannot read the state directory " + state_dir, errno));
    }
    auto copied =
        directory.is_open() ? judged_copy(directory.get(), state_dir, options) : empty_copy();
    if (!copied) {
        return failure(copied.error());
    }
    return catching_sqlite("cannot read the ledger in " + state_dir, [&] {
        return std::unique_ptr<Ledger>(std::make_unique<SnapshotLedger>(loop, *std::move(copied)));
    });
}

}  // namespace postrider::store
