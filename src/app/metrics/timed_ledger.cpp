#include "app/metrics/timed_ledger.h"

#include <utility>

namespace postrider::app {

TimedLedger::TimedLedger(event::Loop& loop, std::unique_ptr<store::Ledger> inner)
    : loop_(loop), inner_(std::move(inner)) {}

std::unique_ptr<event::Operation> TimedLedger::load(const std::string& account,
                                                    store::LoadDone done) {
    return inner_->load(account, std::move(done));
}

std::unique_ptr<event::Operation> TimedLedger::write(const std::string& account,
                                                     std::vector<store::Change> changes,
                                                     store::WriteDone done) {
    return inner_->write(account, std::move(changes), timed(figures_.commits, std::move(done)));
}

std::unique_ptr<event::Operation> TimedLedger::sync(store::WriteDone done) {
    return inner_->sync(timed(figures_.syncs, std::move(done)));
}

store::WriteDone TimedLedger::timed(Histogram& into, store::WriteDone done) {
    return
        [this, &into, since = loop_.now(), done = std::move(done)](const Expected<void>& result) {
            into.add(loop_.now() - since);
            figures_.failures += result ? 0U : 1U;
            done(result);
        };
}

}  // namespace postrider::app
