#pragma once

#include <functional>
#include <memory>

#include "postrider/base/time.h"

namespace postrider::event {

/// Work that may block and comes in fits: it sleeps until woken, does all there is to do in one
/// turn, and sleeps again. In the program each attendant is a thread of its own; a simulator lets
/// it take its turns in virtual time, so that the very same code runs without threads.
class Attendant {
  public:
    Attendant() = default;
    Attendant(const Attendant&) = delete;
    Attendant& operator=(const Attendant&) = delete;
    /// As finish().
    virtual ~Attendant() = default;

    // From any thread, the turn included:

    /// A turn begins soon; one serves all calls that came before it began.
    virtual void wake() = 0;
    /// As wake(), but it may take so long, to gather more. Whatever is asked for earliest counts.
    virtual void wake_within(Duration delay) = 0;

    /// Takes at once, and to its end, what turns are asked for; no more after that. Not from the
    /// turn.
    virtual void finish() = 0;
};

/// Makes an attendant that does `turn`, never twice at once.
using AttendantMaker = std::function<std::unique_ptr<Attendant>(std::function<void()> turn)>;

/// The maker of the program: a thread.
[[nodiscard]] std::unique_ptr<Attendant> make_thread_attendant(std::function<void()> turn);

}  // namespace postrider::event
