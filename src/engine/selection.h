#pragma once

#include <cstdint>
#include <set>

#include "postrider/engine/plan.h"
#include "postrider/engine/policy.h"
#include "postrider/source/source.h"

// What the policy of an account makes of the messages that could be fetched: which of them, in what
// order, how many. All pure.
namespace postrider::engine {

/// The numbers of the messages that an account's first poll leaves out for good.
[[nodiscard]] std::set<std::uint32_t> skipped_at_first(const source::Listing& listing,
                                                       const Initial& initial);

/// Takes out of `plan.fetch` what is too large and what is more than a poll may fetch, and puts the
/// rest in order. Those that may turn out too large come last: to stop receiving one is to lose the
/// connection (P-025).
void select(Plan& plan, const AccountPolicy& policy);

}  // namespace postrider::engine
