#pragma once

#include <string>

#include "postrider/base/log.h"
#include "postrider/engine/memory_budget.h"
#include "postrider/event/loop.h"
#include "postrider/store/held.h"
#include "postrider/store/ledger.h"

namespace postrider::engine {

/// What every poll uses and none owns.
struct Services {
    event::Loop& loop;
    store::Ledger& ledger;
    store::HeldStore& held;
    MemoryBudget& memory;
    Log& log;
    std::string own_host;  ///< for the Received line
};

}  // namespace postrider::engine
