#include "support/sim_loop.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/base/assert.h"

namespace postrider::test {
namespace {

constexpr auto kStart = MonotonicTime(std::chrono::hours(1));
constexpr auto kWallStart = WallTime(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z

/// So many turns at one instant are work that begets itself without end.
constexpr std::uint64_t kMaxTurnsWithoutTime = 1'000'000;

}  // namespace

SimLoop::SimLoop()
    : now_(kStart),
      wall_start_(kWallStart),
      wall_set_at_(kStart),
      timers_([this] { return now_; }) {}

SimLoop::~SimLoop() {
    // What work owns may defer again while it is destroyed; the loop is still whole here.
    while (!take_work().empty()) {
    }
}

void SimLoop::advance(Duration duration) {
    const MonotonicTime end = now_ + duration;
    while (step(end)) {
    }
    if (now_ < end) {
        now_ = end;
        turns_without_time_ = 0;
    }
}

void SimLoop::run_until_idle() {
    while (step(now_)) {
    }
}

bool SimLoop::run_until(const std::function<bool()>& predicate, Duration limit) {
    const MonotonicTime end = now_ + limit;
    while (!predicate()) {
        if (!step(end)) {
            now_ = std::max(now_, end);
            return predicate();
        }
    }
    return true;
}

void SimLoop::set_wall_time(WallTime time) {
    wall_start_ = time;
    wall_set_at_ = now_;
}

bool SimLoop::has_more() const {
    const std::lock_guard lock(mutex_);
    return !work_.empty() || timers_.earliest().has_value();
}

WallTime SimLoop::wall_now() const {
    return wall_start_ + std::chrono::floor<WallTime::duration>(now_ - wall_set_at_);
}

std::unique_ptr<event::Timer> SimLoop::make_timer(std::function<void()> on_fire) {
    return timers_.make_timer(std::move(on_fire));
}

std::unique_ptr<event::FdWatch> SimLoop::watch_fd(
    int /*fd*/, event::Interest /*interest*/, std::function<void(event::Readiness)> /*on_ready*/) {
    POSTRIDER_ASSERT(false && "the simulator has no descriptors");
    return nullptr;
}

std::unique_ptr<event::Operation> SimLoop::watch_signal(int /*signal_number*/,
                                                        std::function<void()> /*on_signal*/) {
    POSTRIDER_ASSERT(false && "the simulator has no signals");
    return nullptr;
}

void SimLoop::defer(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
}

void SimLoop::run() {
    while (!stopping_) {
        if (!step(MonotonicTime::max())) {
            ADD_FAILURE() << "the loop runs, but nothing can ever happen in it";
            break;
        }
    }
    for (const auto& work : take_work()) {
        work();
    }
    stopping_ = false;
}

void SimLoop::run_turn() {
    auto batch = take_work();
    const std::uint64_t barrier = timers_.barrier();
    for (auto& work : batch) {
        work();
        work = nullptr;
    }
    timers_.fire_due(now_, barrier);
}

std::vector<std::function<void()>> SimLoop::take_work() {
    std::vector<std::function<void()>> taken;
    const std::lock_guard lock(mutex_);
    taken.swap(work_);
    return taken;
}

bool SimLoop::is_due_now() const {
    const std::lock_guard lock(mutex_);
    return !work_.empty() || timers_.earliest().value_or(MonotonicTime::max()) <= now_;
}

bool SimLoop::step(MonotonicTime end) {
    if (!is_due_now()) {
        const auto next = timers_.earliest();
        if (!next || *next > end) {
            return false;
        }
        now_ = *next;
        turns_without_time_ = 0;
    }
    ++turns_without_time_;
    POSTRIDER_ASSERT(turns_without_time_ < kMaxTurnsWithoutTime);
    run_turn();
    return true;
}

}  // namespace postrider::test
