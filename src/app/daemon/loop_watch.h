#pragma once

#include <memory>
#include <optional>
#include <string>

#include "postrider/base/log.h"
#include "postrider/event/loop.h"
#include "postrider/store/ledger.h"

#include "app/daemon/service_manager.h"

namespace postrider::app {

/// Watches over the loop itself: how late it is, and whether the ledger still answers. As long as
/// both are well the service manager hears so; when they are not, it ends us and starts us again,
/// and nothing is lost (U-002).
class LoopWatch {
  public:
    /// What it refers to outlives it.
    LoopWatch(event::Loop& loop, store::Ledger& ledger, const ServiceManager& manager, Log& log);
    LoopWatch(const LoopWatch&) = delete;
    LoopWatch& operator=(const LoopWatch&) = delete;
    ~LoopWatch();

    /// Asks the ledger for a sign of life also where no service manager wants to know.
    void watch_ledger();

    /// The worst of the last turns: how much later than asked for a timer came.
    [[nodiscard]] Duration lag() const { return lag_; }
    /// Why this process had better be started again, if so.
    [[nodiscard]] std::optional<std::string> ailment() const;

  private:
    void beat();
    void ask_ledger();

    event::Loop& loop_;
    store::Ledger& ledger_;
    const ServiceManager& manager_;
    Log& log_;
    MonotonicTime expected_{};
    MonotonicTime next_ping_{};
    MonotonicTime asked_{};  ///< the ledger, the last time
    Duration lag_{};
    std::optional<Duration> ask_every_;
    std::unique_ptr<event::Timer> beat_;
    std::unique_ptr<event::Operation> sync_;  ///< the ledger has not answered yet
};

}  // namespace postrider::app
