#pragma once

#include <memory>
#include <string>

#include "postrider/base/error.h"
#include "postrider/event/loop.h"
#include "postrider/store/ledger.h"
#include "postrider/store/state_dir.h"

namespace postrider::store {

struct LedgerOptions {
    /// Go on although the ledger is lost, foreign or older than it was (I9), and forget the doubt.
    bool accept_state_loss = false;
};

/// Opens or makes the ledger of a state directory; `loop` and `state` must outlive it. Blocks: for
/// start-up. The ledger's destructor records what was asked for, makes it durable and returns then;
/// no completion runs after it. Errors:
/// - doubt, never: ledger and installation marker disagree; the text says how, and what to do
/// - corrupt, never: not a ledger, or a damaged one; it is left as it is
/// - config, never: written by a newer version, or on a file system that cannot hold it
/// - io, later
[[nodiscard]] Expected<std::unique_ptr<Ledger>> open_ledger(event::Loop& loop,
                                                            const StateDir& state,
                                                            const LedgerOptions& options);

/// What the ledger under `state_dir` holds at this moment, for looking at: makes and changes no
/// file, needs no lock, and works beside a process that writes. Where no ledger (or not even the
/// directory) exists yet, it is empty. write() fails with `unsupported`. Errors as open_ledger().
[[nodiscard]] Expected<std::unique_ptr<Ledger>> open_ledger_read_only(event::Loop& loop,
                                                                      const std::string& state_dir,
                                                                      const LedgerOptions& options);

}  // namespace postrider::store
