#pragma once

#include "postrider/event/loop.h"

struct event_base;

namespace postrider::event {

/// What is under a loop of make_libevent_loop(), for the parts of libevent that want it themselves
/// (its HTTP server). Only from the loop's thread.
[[nodiscard]] ::event_base* libevent_base(Loop& loop);

}  // namespace postrider::event
