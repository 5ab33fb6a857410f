#pragma once

namespace postrider::app {

/// The answer to an allocation of ours that failed (std::set_new_handler): tells so and ends the
/// process for now, wherever it stands and on whatever thread. This is a death as by kill -9, which
/// ledger and next run make good; to go on in the middle of anything would be a gamble. Allocates
/// nothing.
[[noreturn]] void end_without_memory();

}  // namespace postrider::app
