#pragma once

#include <string>

namespace postrider::test {

/// Sees every fsync of this process while it lives, and lets some fail. One at a time.
class FsyncWatch {
  public:
    FsyncWatch();
    FsyncWatch(const FsyncWatch&) = delete;
    FsyncWatch& operator=(const FsyncWatch&) = delete;
    ~FsyncWatch();

    /// Was this file or directory fsynced, without an error, since this watch or the last forget()?
    [[nodiscard]] bool has_synced(const std::string& path) const;
    void forget();
    /// From now on its fsync fails so; 0: no longer.
    void fail(const std::string& path, int error_number);
};

}  // namespace postrider::test
