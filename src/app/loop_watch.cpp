#include "app/loop_watch.h"

#include <algorithm>

namespace postrider::app {

namespace {

constexpr Duration kBeat = std::chrono::seconds(1);

/// So late that deadlines of others may have run out meanwhile.
constexpr Duration kLagWorthTelling = std::chrono::seconds(1);

/// What was once late is forgotten by a tenth at each beat.
constexpr double kKept = 0.9;

}  // namespace

LoopWatch::LoopWatch(event::Loop& loop, store::Ledger& ledger, const ServiceManager& manager,
                     Log& log)
    : loop_(loop),
      ledger_(ledger),
      manager_(manager),
      log_(log),
      expected_(loop.now() + kBeat),
      next_ping_(loop.now()),
      beat_(loop.make_timer([this] { beat(); })) {
    beat_->arm(kBeat);
}

LoopWatch::~LoopWatch() = default;

void LoopWatch::beat() {
    const Duration late = std::max(loop_.now() - expected_, Duration::zero());
    const Duration faded =
        Duration(static_cast<Duration::rep>(kKept * static_cast<double>(lag_.count())));
    lag_ = std::max(late, faded);
    if (late >= kLagWorthTelling) {
        log_.warn("loop-late", {{"by", to_text(late)}});
    }
    expected_ = loop_.now() + kBeat;
    beat_->arm(kBeat);
    if (manager_.watchdog_period() && loop_.now() >= next_ping_ && sync_ == nullptr) {
        ask_ledger();
    }
}

/// A disk that is full answers, too: only silence is a sign of death.
void LoopWatch::ask_ledger() {
    next_ping_ = loop_.now() + *manager_.watchdog_period() / 3;
    sync_ = ledger_.sync([this](const Expected<void>& /*durable*/) {
        loop_.defer_delete(std::move(sync_));
        manager_.watchdog();
    });
}

}  // namespace postrider::app
