#pragma once

#include <memory>

#include "sim/disk.h"

struct sqlite3_vfs;

namespace postrider::sim {

/// While it lives SQLite can have its files on a simulated disk, and has its time and chance from
/// the run. It keeps SQLite's contract as its own VFS for Unix does, the fsync of a new log's
/// directory included. Made before a database is opened; one of them is the default.
class DiskVfs {
  public:
    enum class Use : std::uint8_t { by_default, by_name };

    DiskVfs(const char* name, Use use, Disk& disk, const test::SimLoop& loop, std::uint64_t seed);
    DiskVfs(const DiskVfs&) = delete;
    DiskVfs& operator=(const DiskVfs&) = delete;
    ~DiskVfs();

    class Methods;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace postrider::sim
