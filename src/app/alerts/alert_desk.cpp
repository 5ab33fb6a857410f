#include "app/alerts/alert_desk.h"

#include <algorithm>
#include <utility>

#include "app/alerts/alert_sender.h"

namespace postrider::app {

namespace {

constexpr Duration kLookEvery = std::chrono::seconds(5);

/// Telling of many at once must not keep passwords and reloads waiting.
constexpr std::size_t kAtOnce = 2;

bool is_on(const config::Alerts& alerts) {
    return !alerts.command.empty() || !alerts.webhook.empty();
}

}  // namespace

AlertDesk::AlertDesk(Ground ground, config::Alerts alerts)
    : ground_(std::move(ground)),
      alerts_(std::move(alerts)),
      alarm_(alerts_.after),
      tick_(ground_.loop.make_timer([this] { look(); })) {
    tick_->arm(kLookEvery);
}

AlertDesk::~AlertDesk() = default;

void AlertDesk::change(config::Alerts alerts) {
    alerts_ = std::move(alerts);
    alarm_.set_patience(alerts_.after);
}

void AlertDesk::look() {
    tick_->arm(std::min(kLookEvery, std::max(alerts_.after, Duration(std::chrono::seconds(1)))));
    if (!is_on(alerts_)) {
        return;
    }
    look_at_all();
    if (sending_.size() >= kAtOnce) {
        return;  // what is due stays so
    }
    for (const Alert& alert : alarm_.due(ground_.loop.wall_now())) {
        if (sending_.size() < kAtOnce && sending_.count(alert.about) == 0) {
            send(alert);
        } else {
            alarm_.untell(alert);
        }
    }
}

void AlertDesk::look_at_all() {
    const WallTime now = ground_.loop.wall_now();
    std::set<Subject> gone = std::exchange(seen_, {});
    const auto see = [&](const Subject& subject, const std::optional<Error>& trouble,
                         bool needs_attention) {
        gone.erase(subject);
        alarm_.see(subject, trouble ? std::optional(trouble->text) : std::nullopt, needs_attention,
                   now);
        if (trouble) {
            seen_.insert(subject);
        }
    };
    for (const auto& [name, member] : ground_.roster.members()) {
        see({"account", name}, member.keeper->tally().trouble,
            ground_.roster.view(member).needs_attention);
    }
    for (const auto& [name, outlet] : ground_.outlets) {
        const auto closed = outlet->destination.closed(ground_.loop.now());
        see({"destination", name}, closed, closed && closed->retry == Retry::never);
    }
    for (const Subject& subject : gone) {
        alarm_.forget(subject);
    }
}

void AlertDesk::send(const Alert& alert) {
    // Owners: the job, until it is done, and its completion.
    const auto result = std::make_shared<Expected<void>>();
    sending_[alert.about] = ground_.worker.run(
        [result, alerts = alerts_, json = alert_json(alert, ground_.host),
         environment = ground_.environment] { *result = send_alert(alerts, json, environment); },
        [this, result, alert] {
            const auto sent = sending_.find(alert.about);
            ground_.loop.defer_delete(std::move(sent->second));
            sending_.erase(sent);
            if (*result) {
                last_failure_.clear();
                ground_.log.info("alerted",
                                 {{alert.about.kind, alert.about.name},
                                  {"event", alert.is_recovery ? "recovery" : "trouble"}});
                return;
            }
            alarm_.untell(alert);
            if (std::exchange(last_failure_, result->error().text) != result->error().text) {
                ground_.log.warn("not-alerted", {{alert.about.kind, alert.about.name},
                                                 {"error", result->error().text}});
            }
        });
}

}  // namespace postrider::app
