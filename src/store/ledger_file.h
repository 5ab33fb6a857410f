#pragma once

#include <memory>
#include <optional>
#include <string>

#include <SQLiteCpp/Database.h>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/store/sqlite_ledger.h"
#include "postrider/store/state_dir.h"

#include "store/installation.h"
#include "store/random_octets.h"

struct sqlite3_file;

namespace postrider::store {

/// The names of the ledger's files in the state directory.
inline constexpr const char* kLedgerName = "ledger.db";
inline constexpr const char* kWalName = "ledger.db-wal";

/// The ledger's installation as its tables have it; none before the first start was complete.
/// Throws SQLite::Exception.
[[nodiscard]] std::optional<Installation> read_installation(SQLite::Database& database);

/// Reads the marker of the open state directory into `found`. Errors: as read_file().
[[nodiscard]] Expected<void> read_marker(int directory, const std::string& path, Findings& found);

/// The key of the installation. Throws SQLite::Exception.
[[nodiscard]] Secret read_installation_key(SQLite::Database& database);

/// The open file of a ledger, checked, of the newest schema, and its write-ahead log. Used by one
/// thread at a time, apart from sync_wal().
class LedgerFile {
  public:
    /// A checkpoint moves the log into the tables when it has grown by this many pages (4 MiB).
    static constexpr int kCheckpointPages = 1024;

    /// Opens or makes it, asks the guard (judge()), migrates, and begins a new generation, which is
    /// durable on return; the marker has to be rewritten then. Errors as open_ledger().
    [[nodiscard]] static Expected<std::unique_ptr<LedgerFile>> open(
        const StateDir& state, const LedgerOptions& options, const RandomOctets& random_octets);
    LedgerFile(const LedgerFile&) = delete;
    LedgerFile& operator=(const LedgerFile&) = delete;
    ~LedgerFile() = default;

    [[nodiscard]] SQLite::Database& database() { return database_; }
    [[nodiscard]] const Installation& installation() const { return installation_; }

    /// fsync of the log, from any thread; not beside checkpoint_if_due().
    [[nodiscard]] Expected<void> sync_wal();

    /// To be called after a commit. Errors: only final ones; others mend themselves next time.
    [[nodiscard]] Expected<void> checkpoint_if_due();
    [[nodiscard]] bool is_checkpoint_due() const { return wal_pages_ >= checkpoint_at_; }

    /// Whether the end of this object moves the log into the tables and removes it; not unless
    /// asked for. It must not after a final failure, nor before the file was found to be ours.
    void set_checkpoint_at_close(bool wanted);

  private:
    explicit LedgerFile(const std::string& path);

    [[nodiscard]] Expected<void> begin(const StateDir& state, const LedgerOptions& options,
                                       const RandomOctets& random_octets, Findings& found);
    Expected<void> check_writable(const StateDir& state, const std::string& what);
    void prepare(int schema);
    void begin_generation(const Findings& found, const RandomOctets& random_octets);
    void on_commit(int wal_pages);

    SQLite::Database database_;
    Installation installation_;
    sqlite3_file* wal_ = nullptr;  ///< SQLite's, as long as the connection lives
    int wal_pages_ = 0;
    int checkpoint_at_ = kCheckpointPages;
};

}  // namespace postrider::store
