#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "postrider/base/time.h"
#include "postrider/event/operation.h"

namespace postrider::event {

/// One deadline or interval. Its callback runs from the loop; destroying or disarming the timer
/// inside its own callback is allowed.
class Timer {
  public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer() = default;

    /// Fires once, `after` from now; arming again moves it. Zero fires on the next turn of the
    /// loop.
    virtual void arm(Duration after) = 0;
    virtual void disarm() = 0;
    [[nodiscard]] virtual bool is_armed() const = 0;
};

enum class Interest : std::uint8_t { none, read, write, read_write };

/// Readiness of one file descriptor, level-triggered. It does not own the descriptor: destroy the
/// watch before closing it. Destroying it inside its own callback is allowed.
class FdWatch {
  public:
    FdWatch() = default;
    FdWatch(const FdWatch&) = delete;
    FdWatch& operator=(const FdWatch&) = delete;
    virtual ~FdWatch() = default;

    virtual void set_interest(Interest interest) = 0;
};

struct Readiness {
    bool readable = false;
    bool writable = false;
};

/// The loop: time, timers, readiness and order of everything that happens on one thread. Two
/// implementations: libevent (make_libevent_loop) and the virtual time of the tests. Nothing here
/// is thread-safe but post().
class Loop {
  public:
    Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    virtual ~Loop() = default;

    /// Cached once per turn of the loop.
    [[nodiscard]] virtual MonotonicTime now() const = 0;
    [[nodiscard]] virtual WallTime wall_now() const = 0;

    [[nodiscard]] virtual std::unique_ptr<Timer> make_timer(std::function<void()> on_fire) = 0;
    [[nodiscard]] virtual std::unique_ptr<FdWatch> watch_fd(
        int fd, Interest interest, std::function<void(Readiness)> on_ready) = 0;
    [[nodiscard]] virtual std::unique_ptr<Operation> watch_signal(
        int signal_number, std::function<void()> on_signal) = 0;

    /// Runs `work` on a later turn of this loop, in the order of the calls. It cannot be cancelled:
    /// `work` must own what it touches. To wait with a way out, arm a Timer with zero.
    virtual void defer(std::function<void()> work) = 0;

    /// As defer(), from any thread.
    virtual void post(std::function<void()> work) = 0;

    /// Destroys `object` on a later turn: the way to be deleted from inside one's own callback.
    template <class T>
    void defer_delete(std::unique_ptr<T> object) {
        if (object != nullptr) {
            defer([held = std::shared_ptr<T>(std::move(object))] {});
        }
    }

    /// Runs until stop(). Deferred and posted work that is queued at that time still runs.
    virtual void run() = 0;
    virtual void stop() = 0;
};

/// The loop of the real program. Throws std::runtime_error if libevent cannot start.
[[nodiscard]] std::unique_ptr<Loop> make_libevent_loop();

}  // namespace postrider::event
