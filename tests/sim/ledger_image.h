#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "postrider/store/ledger.h"

#include "sim/disk.h"
#include "sim/disk_vfs.h"

namespace postrider::sim {

/// Which record.
struct RecordKey {
    std::string account;
    store::MessageKey message;
    auto operator<=>(const RecordKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// What a ledger would say if it were opened with these files; nothing if there is none.
struct LedgerImage {
    std::set<std::string> accounts;  ///< that were polled
    std::map<RecordKey, store::MessageRecord> records;

    [[nodiscard]] const store::MessageRecord* find(const RecordKey& key) const {
        const auto found = records.find(key);
        return found == records.end() ? nullptr : &found->second;
    }
};

/// Reads ledgers out of the octets of their files, on a disk of its own where nothing fails.
class LedgerReader {
  public:
    explicit LedgerReader(const test::SimLoop& loop);

    [[nodiscard]] LedgerImage read(const std::string& database, const std::string& log);

  private:
    Chaos chaos_;
    Machine machine_;
    Trace trace_;
    std::unique_ptr<Disk> disk_;
    std::unique_ptr<DiskVfs> vfs_;
};

}  // namespace postrider::sim
