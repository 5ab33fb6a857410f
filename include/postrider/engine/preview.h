#pragma once

#include <functional>
#include <memory>

#include "postrider/base/error.h"
#include "postrider/engine/plan.h"
#include "postrider/engine/policy.h"
#include "postrider/event/loop.h"
#include "postrider/source/source.h"
#include "postrider/store/ledger.h"

namespace postrider::engine {

/// What a poll would do now.
struct PreviewResult {
    Plan plan;
    std::vector<Job> remove;  ///< what it would delete
    std::size_t listed = 0;
};

/// Lists a mailbox and plans, touching nothing: no RETR, no DELE, no write to the ledger.
[[nodiscard]] std::unique_ptr<event::Operation> preview(
    event::Loop& loop, store::Ledger& ledger, source::SourceFactory& source,
    const AccountPolicy& policy, std::function<void(Expected<PreviewResult>)> done);

}  // namespace postrider::engine
