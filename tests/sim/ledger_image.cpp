#include "sim/ledger_image.h"

#include <utility>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "store/records.h"

namespace postrider::sim {

namespace {

constexpr const char* kVfsName = "postrider-sim-oracle";
constexpr const char* kPath = "/sim/ledger.db";

void put(Disk& disk, const std::string& path, const std::string& octets) {
    const int file = disk.open(-1, path, O_RDWR | O_CREAT | O_TRUNC);
    static_cast<void>(disk.pwrite(file, octets, 0));
    disk.close(file);
}

}  // namespace

LedgerReader::LedgerReader(const test::SimLoop& loop)
    : chaos_(0, {}), machine_(chaos_), trace_(loop, Trace::Mode::off) {
    chaos_.heal();
    disk_ = std::make_unique<Disk>(loop, machine_, chaos_, trace_, 0);
    vfs_ = std::make_unique<DiskVfs>(kVfsName, DiskVfs::Use::by_name, *disk_, loop, 0);
}

LedgerImage LedgerReader::read(const std::string& database, const std::string& log) {
    put(*disk_, kPath, database);
    put(*disk_, std::string(kPath) + "-wal", log);
    LedgerImage image;
    try {
        SQLite::Database opened(kPath, SQLite::OPEN_READWRITE, 0, kVfsName);
        // Its files are looked at once only: what the log holds need not be moved.
        sqlite3_db_config(opened.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        if (!opened.tableExists("messages")) {
            return image;
        }
        store::Records records(opened);
        SQLite::Statement names(opened, "SELECT name FROM accounts");
        while (names.executeStep()) {
            const std::string account = names.getColumn(0).getString();
            image.accounts.insert(account);
            for (store::MessageRecord& record : records.load(account).messages) {
                RecordKey key{account, record.key};
                image.records.emplace(std::move(key), std::move(record));
            }
        }
    } catch (const SQLite::Exception&) {
        image = {};  // nothing that could be read: nothing that was safe
    }
    return image;
}

}  // namespace postrider::sim
