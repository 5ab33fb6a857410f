#pragma once

#include <memory>
#include <string>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/store/ledger.h"

#include "app/metrics/histogram.h"

namespace postrider::app {

/// How long the ledger took, as the loop saw it.
struct LedgerFigures {
    Histogram commits;  ///< writes, until they survive the death of the process
    Histogram syncs;    ///< until all was durable
    std::uint64_t failures = 0;
};

/// A ledger that notes how long another one takes.
class TimedLedger final : public store::Ledger {
  public:
    /// `loop` outlives it.
    TimedLedger(event::Loop& loop, std::unique_ptr<store::Ledger> inner);

    [[nodiscard]] std::unique_ptr<event::Operation> load(const std::string& account,
                                                         store::LoadDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> write(const std::string& account,
                                                          std::vector<store::Change> changes,
                                                          store::WriteDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> sync(store::WriteDone done) override;
    [[nodiscard]] const Secret& installation_key() const override {
        return inner_->installation_key();
    }

    [[nodiscard]] const LedgerFigures& figures() const { return figures_; }

  private:
    [[nodiscard]] store::WriteDone timed(Histogram& into, store::WriteDone done);

    event::Loop& loop_;
    LedgerFigures figures_;
    std::unique_ptr<store::Ledger> inner_;
};

}  // namespace postrider::app
