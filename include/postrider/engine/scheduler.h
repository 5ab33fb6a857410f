#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "postrider/base/time.h"
#include "postrider/engine/pacing.h"
#include "postrider/event/loop.h"

namespace postrider::engine {

/// In so long as many first polls begin as may run at the same time, over all and with one host: no
/// herd at the start, and no longer a start than the limits ask for.
inline constexpr Duration kRampOver = std::chrono::seconds(1);

/// A poll that has shown nothing at all for so long may lose its place to others that wait.
inline constexpr Duration kSluggishAfter = std::chrono::seconds(30);

/// Decides which account is polled when: intervals, back-off, quiet hours, limits, and who goes
/// first when more is due than may run. It keeps one timer for all accounts and does nothing but
/// say who starts, and whose poll is to be given up.
///
///   paused <--> waiting --time--> due --place--> running --ended--> waiting
///                  ^--quiet hours---'
///
/// Time is the loop's, which goes on evenly whatever the calendar does; only quiet hours look at
/// the calendar.
class Scheduler {
  public:
    using Id = std::uint32_t;

    struct Limits {
        std::uint32_t polls = 200;          ///< at the same time
        std::uint32_t polls_per_host = 10;  ///< of them, with one host
    };

    enum class Waste : std::uint8_t {
        stuck,     ///< without progress for longer than its patience
        sluggish,  ///< without any sign of life, while others wait for its place
    };

    /// What it tells its owner; from the loop, never from inside a call on it.
    struct Calls {
        std::function<void(Id)> start;  ///< a poll; ended() tells its end, and may not be inside
        /// This poll is to be dropped; ended() is told as usual, and may be inside.
        std::function<void(Id, Waste)> give_up;
    };

    enum class State : std::uint8_t { waiting, asleep, due, running, paused };

    struct View {
        State state = State::waiting;
        MonotonicTime at{};  ///< running: since; due: since; waiting, asleep: until
        Duration interval{};
        std::uint32_t failures = 0;  ///< in a row
        bool needs_attention = false;
    };

    struct Figures {
        std::size_t accounts = 0;
        std::size_t running = 0;
        std::size_t due = 0;  ///< and not running
    };

    /// `loop` outlives it. `seed` decides all chance.
    Scheduler(event::Loop& loop, const Limits& limits, std::uint64_t seed, Calls calls);
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    ~Scheduler();

    void set_limits(const Limits& limits);

    /// Its first poll comes in its turn of the ramp.
    [[nodiscard]] Id add(Pacing pacing);
    /// What was learned of it is kept; not while it is running.
    void change(Id id, Pacing pacing);
    /// Forgets it; a poll under way is no longer known.
    void remove(Id id);

    void on_progress(Id id);
    void ended(Id id, const Outcome& outcome);

    /// Before all others that wait, and in quiet hours too; if it is running, once more after that.
    void poll_now(Id id);
    /// A poll under way goes on to its end.
    void pause(Id id);
    void resume(Id id);
    /// No poll of it begins until it is let go again, not even by poll_now(), which is then made
    /// good: something else works on what the polls of this account work on. One under way goes on.
    void hold_back(Id id);
    void let_go(Id id);
    /// A running poll was broken off for no fault of anybody's; another one follows soon.
    void interrupted(Id id);
    /// Starts nothing more.
    void stop();

    [[nodiscard]] View view(Id id) const;
    [[nodiscard]] Figures figures() const;

  private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace postrider::engine
