#include "config/daemon_keys.h"

#include <array>

#include "config/scalars.h"
#include "config/smtp_keys.h"

namespace postrider::config {

namespace {

void read_group(Reader& reader, const Value& value, Control& into) {
    reader.text(value, into.group);
    if (const auto fault = into.group.empty() ? std::nullopt : user_fault(into.group)) {
        reader.report(value, *fault);
    }
}

constexpr std::array<Key<Control>, 2> kControlKeys = {{
    {"socket", read_path<&Control::socket>},
    {"group", read_group},
}};

/// What everybody who can connect may read: this machine, and a proxy where more is wanted.
void read_listen(Reader& reader, const Value& value, Metrics& into) {
    const auto text = reader.scalar(value);
    if (!text) {
        return;
    }
    const auto host = parse_host(*text);
    if (!host) {
        reader.report(value, host.error().text);
    } else if (host->port == 0) {
        reader.report(value, "needs a port: 127.0.0.1:9817");
    } else if (!is_loopback(host->host) || host->host == "localhost") {
        reader.report(value, "must be an address of this machine's loopback: 127.0.0.1 or [::1]");
    } else {
        into.host = host->host;
        into.port = host->port;
    }
}

constexpr std::array<Choice<MetricsOf>, 3> kMetricsOfChoices = {{
    {"auto", MetricsOf::automatic},
    {"each", MetricsOf::each},
    {"total", MetricsOf::total},
}};

void read_metrics_of(Reader& reader, const Value& value, Metrics& into) {
    read_choice(reader, value, kMetricsOfChoices, into.accounts);
}

void read_alert_command(Reader& reader, const Value& value, Alerts& into) {
    if (!reader.expect_list(value)) {
        return;
    }
    into.command.clear();
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        reader.text(value.items[i], into.command.emplace_back());
    }
    if (into.command.empty()) {
        reader.report(value, "needs at least the program");
    }
}

void read_webhook(Reader& reader, const Value& value, Alerts& into) {
    reader.text(value, into.webhook);
    if (!into.webhook.empty() && !into.webhook.starts_with("https://") &&
        !into.webhook.starts_with("http://")) {
        reader.report(value, "must begin with https:// or http://");
    }
}

constexpr std::array<Key<Alerts>, 3> kAlertKeys = {{
    {"command", read_alert_command},
    {"webhook", read_webhook},
    {"after", read_deadline<&Alerts::after>},
}};

constexpr std::array<Choice<bool>, 2> kSandboxChoices = {{{"auto", true}, {"off", false}}};

constexpr std::array<Key<Metrics>, 2> kMetricsKeys = {{
    {"listen", read_listen},
    {"accounts", read_metrics_of},
}};

}  // namespace

Keys<Control> control_keys() {
    return kControlKeys;
}

Keys<Metrics> metrics_keys() {
    return kMetricsKeys;
}

Keys<Alerts> alert_keys() {
    return kAlertKeys;
}

void read_user(Reader& reader, const Value& value, RootDraft& into) {
    std::string& user = into.config.privileges.user;
    reader.text(value, user);
    if (const auto fault = user.empty() ? std::nullopt : user_fault(user)) {
        reader.report(value, *fault);
    }
}

void read_allow_root(Reader& reader, const Value& value, RootDraft& into) {
    reader.boolean(value, into.config.privileges.allow_root);
}

void read_sandbox(Reader& reader, const Value& value, RootDraft& into) {
    read_choice(reader, value, kSandboxChoices, into.config.privileges.sandbox);
}

void read_control(Reader& reader, const Value& value, RootDraft& into) {
    read_section(reader, value, control_keys(), into.config.control);
}

void read_metrics(Reader& reader, const Value& value, RootDraft& into) {
    read_section(reader, value, metrics_keys(), into.config.metrics);
}

void read_alerts(Reader& reader, const Value& value, RootDraft& into) {
    Alerts& alerts = into.config.alerts;
    read_section(reader, value, alert_keys(), alerts);
    if (!alerts.command.empty() && !alerts.webhook.empty()) {
        reader.report(value, "command and webhook cannot stand beside one another");
    }
}

}  // namespace postrider::config
