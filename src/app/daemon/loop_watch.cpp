#include "app/daemon/loop_watch.h"

#include <algorithm>

namespace postrider::app {

namespace {

constexpr Duration kBeat = std::chrono::seconds(1);

/// So late that deadlines of others may have run out meanwhile.
constexpr Duration kLagWorthTelling = std::chrono::seconds(1);

constexpr Duration kLedgerAskedEvery = std::chrono::seconds(10);

/// Longer than a disk under load takes.
constexpr Duration kSilenceOfDeath = std::chrono::seconds(60);
constexpr Duration kLagOfDeath = std::chrono::seconds(10);

/// What was once late is forgotten by a tenth at each beat.
constexpr double kKept = 0.9;

std::optional<Duration> a_third_of(std::optional<Duration> period) {
    return period ? std::optional(*period / 3) : std::nullopt;
}

}  // namespace

LoopWatch::LoopWatch(event::Loop& loop, store::Ledger& ledger, const ServiceManager& manager,
                     Log& log)
    : loop_(loop),
      ledger_(ledger),
      manager_(manager),
      log_(log),
      expected_(loop.now() + kBeat),
      next_ping_(loop.now()),
      ask_every_(a_third_of(manager.watchdog_period())),
      beat_(loop.make_timer([this] { beat(); })) {
    beat_->arm(kBeat);
}

LoopWatch::~LoopWatch() = default;

void LoopWatch::watch_ledger() {
    ask_every_ = std::min(ask_every_.value_or(kLedgerAskedEvery), kLedgerAskedEvery);
}

std::optional<std::string> LoopWatch::ailment() const {
    if (lag_ > kLagOfDeath) {
        return "the event loop was late by " + to_text(lag_);
    }
    if (sync_ != nullptr && loop_.now() - asked_ > kSilenceOfDeath) {
        return "the ledger has not answered for " + to_text(loop_.now() - asked_);
    }
    return std::nullopt;
}

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
    if (ask_every_ && loop_.now() >= next_ping_ && sync_ == nullptr) {
        ask_ledger();
    }
}

/// A disk that is full answers, too: only silence is a sign of death.
void LoopWatch::ask_ledger() {
    asked_ = loop_.now();
    next_ping_ = asked_ + *ask_every_;
    sync_ = ledger_.sync([this](const Expected<void>& /*durable*/) {
        loop_.defer_delete(std::move(sync_));
        manager_.watchdog();
    });
}

}  // namespace postrider::app
