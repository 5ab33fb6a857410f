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

/// From its start so many accounts a second are polled for the first time, over all and with one
/// host: no herd at the start.
inline constexpr Duration kRampStep = std::chrono::milliseconds(20);
inline constexpr Duration kRampStepOfHost = std::chrono::milliseconds(100);

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
    /// Starts nothing more.
    void stop();

    [[nodiscard]] View view(Id id) const;
    [[nodiscard]] Figures figures() const;

  private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace postrider::engine
