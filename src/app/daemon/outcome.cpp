#include "app/daemon/outcome.h"

#include "app/assembly/mailbox.h"

namespace postrider::app {

namespace {

/// Over what its sessions may take: a poll that waits longer waits for something that never comes.
constexpr Duration kBeyondSession = std::chrono::minutes(15);

engine::Ending ending_of(const Error& error) {
    switch (error.code) {
        case Errc::login_refused:
            return engine::Ending::login_refused;
        case Errc::config:
        case Errc::unsupported:
        case Errc::doubt:
            return engine::Ending::unfit;
        case Errc::timed_out:
        case Errc::closed:
        case Errc::network:
        case Errc::dns:
        case Errc::tls:
        case Errc::protocol:
        case Errc::limit:
        case Errc::busy:
        case Errc::refused:
        case Errc::io:
        case Errc::corrupt:
        case Errc::locked:
            break;
    }
    return error.retry == Retry::never ? engine::Ending::unfit : engine::Ending::temporary;
}

}  // namespace

engine::Outcome outcome_of(const engine::PollReport& report, const engine::Route& route,
                           MonotonicTime now) {
    engine::Outcome outcome;
    outcome.arrived = report.delivered + report.held;
    outcome.login_delay = report.min_interval;
    outcome.took = report.took;
    if (!report.error || is_early(report)) {
        outcome.again_after = report.more_after;
    } else if (route.closed(now)) {
        outcome.ending = engine::Ending::unfit;
        if (const auto opens_at = route.opens_at()) {
            outcome.ending = engine::Ending::destination;
            outcome.again_after = *opens_at - now;
        }
    } else {
        outcome.ending = ending_of(*report.error);
    }
    return outcome;
}

bool is_early(const engine::PollReport& report) {
    return report.error && report.more_after && report.sessions == 0;
}

bool is_fatal(const Error& error) {
    return error.retry == Retry::never && (error.code == Errc::io || error.code == Errc::corrupt);
}

engine::Pacing pacing_of(const config::AccountConfig& account) {
    engine::Pacing pacing;
    pacing.interval = account.poll_every;
    pacing.most = account.poll_every_most;
    pacing.at_least = account.poll_at_least;
    if (account.active) {
        pacing.active = engine::ActiveHours{account.active->from, account.active->to};
    }
    pacing.host = server_of(account);
    pacing.mailbox = mailbox_of(account);
    pacing.patience = account.timeouts.session + kBeyondSession;
    return pacing;
}

}  // namespace postrider::app
