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

}  // namespace postrider::config
