#include "app/control/status_report.h"

#include <nlohmann/json.hpp>

#include "postrider/base/assert.h"

namespace postrider::app {

using engine::Scheduler;

namespace {

const char* word(Scheduler::State state) {
    switch (state) {
        case Scheduler::State::waiting:
            return "waiting";
        case Scheduler::State::asleep:
            return "asleep";
        case Scheduler::State::due:
            return "due";
        case Scheduler::State::running:
            return "polling";
        case Scheduler::State::paused:
            return "paused";
    }
    POSTRIDER_ASSERT(false);
}

std::string calendar(MonotonicTime at, const Clock& clock) {
    return iso8601(clock.wall_now + std::chrono::round<WallTime::duration>(at - clock.now));
}

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void add_times(nlohmann::json& report, const Scheduler::View& view, const Clock& clock) {
    switch (view.state) {
        case Scheduler::State::waiting:
        case Scheduler::State::asleep:
            report["next_poll"] = calendar(view.at, clock);
            break;
        case Scheduler::State::due:
        case Scheduler::State::running:
            report["since"] = calendar(view.at, clock);
            break;
        case Scheduler::State::paused:
            break;
    }
}

}  // namespace

nlohmann::json account_report(const Roster& roster, const Roster::Member& member,
                              const Clock& clock) {
    const AccountKeeper& keeper = *member.keeper;
    const Tally& tally = keeper.tally();
    const Scheduler::View view = roster.view(member);
    nlohmann::json report{{"name", keeper.account().name},
                          {"state", word(view.state)},
                          {"deliver_to", keeper.account().deliver_to},
                          {"needs_attention", view.needs_attention},
                          {"failures_in_row", view.failures},
                          {"interval", seconds(view.interval)},
                          {"polls", tally.polls},
                          {"polls_failed", tally.failed},
                          {"delivered", tally.delivered},
                          {"held", tally.held},
                          {"put_off", tally.put_off},
                          {"removed", tally.removed},
                          {"octets", tally.octets},
                          {"backlog", tally.backlog},
                          {"last_took", seconds(tally.last_took)}};
    add_times(report, view, clock);
    if (tally.last_success) {
        report["last_success"] = iso8601(*tally.last_success);
    }
    for (const auto& [quirk, until] : tally.quirks) {
        report["quirks"][quirk] = iso8601(until);
    }
    if (tally.trouble) {
        report["trouble"] = {{"text", tally.trouble->text},
                             {"class", postrider::to_text(tally.trouble->code)}};
        if (tally.troubled_since) {
            report["trouble"]["since"] = iso8601(*tally.troubled_since);
        }
    }
    if (keeper.is_polling()) {
        const engine::PollReport& now = keeper.report();
        report["poll"] = {{"listed", now.listed},
                          {"to_fetch", now.to_fetch},
                          {"fetched", now.fetched},
                          {"delivered", now.delivered},
                          {"octets", now.fetched_octets}};
    }
    return report;
}

nlohmann::json destination_report(const Outlet& outlet, const Clock& clock) {
    const engine::Destination& destination = outlet.destination;
    nlohmann::json report{{"name", destination.name()}, {"state", "open"}};
    if (const auto closed = destination.closed(clock.now)) {
        const auto opens_at = destination.opens_at();
        report["state"] = opens_at ? "paused" : "stopped";
        report["trouble"] = {{"text", closed->text}, {"class", postrider::to_text(closed->code)}};
        if (opens_at) {
            report["until"] = calendar(*opens_at, clock);
        }
    }
    return report;
}

}  // namespace postrider::app
