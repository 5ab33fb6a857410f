#pragma once

#include <map>
#include <optional>
#include <string>

#include "postrider/base/time.h"
#include "postrider/source/source.h"
#include "postrider/store/ledger.h"

// What sessions learn of their server, between the words of the ledger and the flags of the source.
namespace postrider::engine {

/// A server may be repaired: so long is believed what was learned of it.
inline constexpr Duration kQuirkBelieved = std::chrono::hours(24 * 30);

/// What is believed now.
[[nodiscard]] source::Quirks quirks_of(const store::AccountState& state, WallTime now);

/// The state with what was learned by now; what was known keeps its time, what has expired goes.
[[nodiscard]] store::AccountState with_quirks(store::AccountState state,
                                              const source::Quirks& quirks, WallTime now);

/// The words of the ledger for what is believed now, and until when.
[[nodiscard]] std::map<std::string, WallTime> learned(const store::AccountState& state,
                                                      WallTime now);

/// Until when the server allows no further login (LOGIN-DELAY), as far as is known; also over the
/// end of the process. Nothing: it does.
[[nodiscard]] std::optional<WallTime> no_login_before(const store::AccountState& state,
                                                      WallTime now);
/// A login was at `now`, and the server wants so long between two.
[[nodiscard]] store::AccountState with_login(store::AccountState state, Duration login_delay,
                                             WallTime now);

}  // namespace postrider::engine
