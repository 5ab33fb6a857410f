#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"

namespace postrider::app {

/// Which accounts are paused, kept in the state directory: a pause outlives the daemon. The file
/// "paused" has a name a line.
class PauseBook {
  public:
    using Names = std::set<std::string>;
    using Done = std::function<void(const Expected<void>&)>;

    /// `directory` is the open state directory; all outlive it.
    PauseBook(event::Loop& loop, event::Worker& worker, int directory)
        : loop_(loop), worker_(worker), directory_(directory) {}

    /// None if there is no file; blocks. Errors: config, io.
    [[nodiscard]] static Expected<Names> read(int directory);

    /// `done` is told from the loop: these are durable, or they are not and why.
    void keep(Names names, Done done);

  private:
    void write();

    event::Loop& loop_;
    event::Worker& worker_;
    int directory_;
    Names wanted_;
    std::vector<Done> waiting_;  ///< for what is wanted_
    std::vector<Done> served_;   ///< by the writing that is under way
    std::unique_ptr<event::Operation> writing_;
};

}  // namespace postrider::app
