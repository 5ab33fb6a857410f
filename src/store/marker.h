#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "postrider/base/error.h"

#include "store/installation.h"

namespace postrider::store {

/// The marker file of an installation while its ledger is open: follows the ledger, never goes
/// ahead of it. What is durable here must be durable there before, or a crash would look like loss.
class Marker {
  public:
    /// `directory` is the open state directory, `path` for texts.
    Marker(int directory, std::string path, Installation installation)
        : directory_(directory), path_(std::move(path)), installation_(std::move(installation)) {}

    /// The ledger has written these accounts. From any thread.
    void add_accounts(const std::vector<std::string>& names);

    /// Writes the file, durably, if it is not what it should be. One thread at a time.
    [[nodiscard]] Expected<void> write_if_changed();

  private:
    int directory_;
    std::string path_;
    std::mutex mutex_;
    Installation installation_;  ///< guarded by mutex_
    bool changed_ = true;        ///< guarded by mutex_
};

}  // namespace postrider::store
