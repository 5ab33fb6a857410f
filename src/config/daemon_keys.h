#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"
#include "config/root.h"

// As whom a daemon works, how it is looked at and talked to, and whom it tells.
namespace postrider::config {

[[nodiscard]] Keys<Control> control_keys();
[[nodiscard]] Keys<Metrics> metrics_keys();
[[nodiscard]] Keys<Alerts> alert_keys();

/// Of the top level, into Config::privileges.
void read_user(Reader& reader, const Value& value, RootDraft& into);
void read_allow_root(Reader& reader, const Value& value, RootDraft& into);
void read_sandbox(Reader& reader, const Value& value, RootDraft& into);

void read_control(Reader& reader, const Value& value, RootDraft& into);
void read_metrics(Reader& reader, const Value& value, RootDraft& into);
void read_alerts(Reader& reader, const Value& value, RootDraft& into);

}  // namespace postrider::config
