#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "postrider/event/loop.h"

namespace postrider::engine {

/// The memory that messages in flight of all accounts may use together (limits.memory). Who finds
/// it used up waits in line, and nobody overtakes those who wait; who holds some gives it back by
/// delivering, so the line always moves.
class MemoryBudget {
  public:
    MemoryBudget(event::Loop& loop, std::uint64_t octets);

    /// One party's share. Destroying it gives everything back.
    class Share {
      public:
        Share(MemoryBudget& budget, std::function<void()> on_room);
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        ~Share();

        /// Takes `octets` if nobody waits and there is room, or if nobody holds anything (a message
        /// larger than the whole budget must pass, too). Otherwise queues for on_room, which is
        /// told once, from the loop; inside it this share goes before all others.
        [[nodiscard]] bool take(std::uint64_t octets);
        void give_back(std::uint64_t octets);

      private:
        friend class MemoryBudget;
        MemoryBudget& budget_;
        std::function<void()> on_room_;
        std::uint64_t held_ = 0;
        bool is_waiting_ = false;
    };

    /// What is taken beyond it stays taken until it is given back.
    void resize(std::uint64_t octets);

    [[nodiscard]] std::uint64_t used() const { return used_; }

  private:
    void wake();

    std::uint64_t octets_;
    std::uint64_t used_ = 0;
    std::deque<Share*> waiting_;
    const Share* at_the_head_ = nullptr;  ///< while its on_room runs
    std::unique_ptr<event::Timer> wake_;
};

}  // namespace postrider::engine
