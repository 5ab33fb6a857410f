#include "postrider/engine/memory_budget.h"

#include <algorithm>
#include <utility>

#include "postrider/base/assert.h"

namespace postrider::engine {

MemoryBudget::MemoryBudget(event::Loop& loop, std::uint64_t octets)
    : octets_(octets), wake_(loop.make_timer([this] { wake(); })) {}

void MemoryBudget::wake() {
    while (!waiting_.empty()) {
        Share* const share = waiting_.front();
        const std::uint64_t used_before = used_;
        waiting_.pop_front();
        share->is_waiting_ = false;
        at_the_head_ = share;
        share->on_room_();
        at_the_head_ = nullptr;
        if (used_ == used_before && !waiting_.empty() && waiting_.back() == share) {
            // It got nothing: it stays first, and all wait until there is room for it.
            waiting_.pop_back();
            waiting_.push_front(share);
            return;
        }
    }
}

void MemoryBudget::resize(std::uint64_t octets) {
    octets_ = octets;
    if (!waiting_.empty()) {
        wake_->arm(Duration::zero());
    }
}

MemoryBudget::Share::Share(MemoryBudget& budget, std::function<void()> on_room)
    : budget_(budget), on_room_(std::move(on_room)) {}

MemoryBudget::Share::~Share() {
    give_back(held_);
    std::deque<Share*>& waiting = budget_.waiting_;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), this), waiting.end());
    if (!waiting.empty()) {
        budget_.wake_->arm(Duration::zero());  // it may have stood in the way
    }
}

bool MemoryBudget::Share::take(std::uint64_t octets) {
    const bool is_its_turn = budget_.waiting_.empty() || budget_.at_the_head_ == this;
    const bool has_room = budget_.used_ == 0 || budget_.used_ + octets <= budget_.octets_;
    if (is_its_turn && has_room) {
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
