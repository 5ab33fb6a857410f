#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "postrider/config/config.h"

#include "app/assembly/outlet.h"
#include "app/control/status_report.h"
#include "app/daemon/daemon_facts.h"
#include "app/daemon/roster.h"
#include "app/metrics/process_figures.h"
#include "app/metrics/timed_ledger.h"

namespace postrider::app {

/// More accounts than this have no metrics of their own under `accounts: auto`: each costs the
/// server that stores them some fifty series.
inline constexpr std::size_t kMaxAccountsOfTheirOwn = 500;

/// What the page of metrics is made of.
struct MetricsGround {
    const Roster& roster;
    const std::map<std::string, std::shared_ptr<Outlet>>& outlets;
    const DaemonFacts& facts;
    const LedgerFigures& ledger;
    const ProcessFigures& process;
    Clock clock;
};

/// All metrics in the Prometheus text format, version 0.0.4. Whether each account is told apart or
/// only their sums, `accounts` decides.
[[nodiscard]] std::string metrics_page(const MetricsGround& ground, config::MetricsOf accounts);

}  // namespace postrider::app
