#pragma once

#include <functional>
#include <memory>
#include <string>

#include "postrider/base/error.h"
#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/event/worker.h"

#include "app/alerts/alarm.h"

namespace postrider::app {

/// How long a command or a web server may take to be told.
inline constexpr Duration kAlertLimit = std::chrono::seconds(20);

/// {"event": "trouble" | "recovery", "kind": ..., "name": ..., "since": ..., "text": ..., "host":
/// ...}, on one line. Pure.
[[nodiscard]] std::string alert_json(const Alert& alert, const std::string& host);

/// Tells it by what the configuration says: the standard input of a program, or the body of a POST.
/// Blocks. Errors: whatever it was, later.
[[nodiscard]] Expected<void> send_alert(const config::Alerts& alerts, const std::string& json,
                                        const config::Environment& environment);

}  // namespace postrider::app
