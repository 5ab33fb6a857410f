#pragma once

#include <memory>

#include "postrider/event/attendant.h"
#include "postrider/store/sqlite_ledger.h"

#include "store/random_octets.h"

namespace postrider::store {

/// What makes a run of the ledger differ from the one before; a simulator puts something of its own
/// in the place of threads and of the kernel's randomness.
struct LedgerParts {
    event::AttendantMaker make_attendant;
    RandomOctets random_octets;
};

/// As open_ledger().
[[nodiscard]] Expected<std::unique_ptr<Ledger>> open_ledger_with(event::Loop& loop,
                                                                 const StateDir& state,
                                                                 const LedgerOptions& options,
                                                                 const LedgerParts& parts);

}  // namespace postrider::store
