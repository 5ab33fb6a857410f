#pragma once

#include <memory>

#include "postrider/base/error.h"
#include "postrider/event/worker.h"
#include "postrider/store/held.h"
#include "postrider/store/state_dir.h"

namespace postrider::store {

/// The held store of a state directory:
///
///   held/new/<delivery_id>      the message as the destination would have got it, a Maildir
///   held/<delivery_id>.json     account, UID, envelope and reason of the refusal
///   held/<delivery_id>.2.json   the same for recipients refused later, and so on
///
/// Makes the directories (0700) and removes what a crash left half-written. `worker` must outlive
/// the store. Errors: config, never; io, later.
[[nodiscard]] Expected<std::unique_ptr<HeldStore>> make_held_store(event::Worker& worker,
                                                                   const StateDir& state);

}  // namespace postrider::store
