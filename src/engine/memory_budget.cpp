#include "postrider/engine/memory_budget.h"

#include <algorithm>
#include <utility>

#include "postrider/base/assert.h"

namespace postrider::engine {

MemoryBudget::MemoryBudget(event::Loop& loop, std::uint64_t octets)
    : octets_(octets), wake_(loop.make_timer([this] { wake(); })) {}

void MemoryBudget::wake() {
    // Only those who wait now: one who finds no room queues again behind them.
    std::size_t turns = waiting_.size();
    while (turns-- > 0 && !waiting_.empty() && (used_ < octets_ || used_ == 0)) {
        Share* const share = waiting_.front();
        waiting_.pop_front();
        share->is_waiting_ = false;
        share->on_room_();
    }
}

MemoryBudget::Share::Share(MemoryBudget& budget, std::function<void()> on_room)
    : budget_(budget), on_room_(std::move(on_room)) {}

MemoryBudget::Share::~Share() {
    give_back(held_);
    std::deque<Share*>& waiting = budget_.waiting_;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), this), waiting.end());
}

bool MemoryBudget::Share::take(std::uint64_t octets) {
    if (budget_.used_ == 0 || budget_.used_ + octets <= budget_.octets_) {
        budget_.used_ += octets;
        held_ += octets;
        return true;
    }
    if (!is_waiting_) {
        is_waiting_ = true;
        budget_.waiting_.push_back(this);
    }
    return false;
}

void MemoryBudget::Share::give_back(std::uint64_t octets) {
    POSTRIDER_ASSERT(octets <= held_);
    held_ -= octets;
    budget_.used_ -= octets;
    if (octets > 0 && !budget_.waiting_.empty()) {
        budget_.wake_->arm(Duration::zero());
    }
}

}  // namespace postrider::engine
