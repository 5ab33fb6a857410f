#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "postrider/base/time.h"

#include "app/assembly/outlet.h"
#include "app/daemon/roster.h"

// What the daemon says of itself over the control socket; docs/control-protocol.md tells every key.
namespace postrider::app {

struct Clock {
    MonotonicTime now{};
    WallTime wall_now{};
};

[[nodiscard]] nlohmann::json account_report(const Roster& roster, const Roster::Member& member,
                                            const Clock& clock);

[[nodiscard]] nlohmann::json destination_report(const Outlet& outlet, const Clock& clock);

}  // namespace postrider::app
