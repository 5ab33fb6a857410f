#include "app/commands/told.h"

#include <iostream>

#include <fmt/format.h>

#include "postrider/base/journal.h"
#include "postrider/base/text.h"

namespace postrider::app {

namespace {

std::string seconds_text(Duration took) {
    return fmt::format("{:.1f} s", std::chrono::duration<double>(took).count());
}

}  // namespace

void tell(const std::string& line) {
    std::cerr << line + "\n" << std::flush;
}

void tell(const std::vector<config::Problem>& problems) {
    for (const config::Problem& problem : problems) {
        tell(problem.to_text());
    }
}

void tell_as_service(LogLevel level, const std::string& line) {
    tell(std::string(journal_prefix(level)) + line);
}

void warn_if_volatile(const store::StateDir& state) {
    if (state.is_volatile()) {
        tell_as_service(LogLevel::warn,
                        "postrider: warning: state_dir " + state.path() +
                            " is in memory only: after a restart all mail would be fetched again");
    }
}

std::string summary(const engine::PollReport& report) {
    std::string text = report.account + ":";
    if (report.error) {
        text += " failed: " + report.error->text + ";";
    }
    if (!report.error || report.listed > 0) {
        text += fmt::format(" {} delivered ({})", counted(report.delivered, "message"),
                            human_bytes(report.fetched_octets));
        const auto also = [&text](std::size_t count, std::string_view what) {
            if (count > 0) {
                text += fmt::format(", {} {}", count, what);
            }
        };
        also(report.held, "refused and held");
        also(report.bounced, "refused and bounced");
        also(report.discarded, "refused and discarded");
        also(report.put_off, "put off");
        also(report.fetch_refused, "not to be had from the server");
        also(report.removed, "deleted");
        also(report.kept, "kept on the server");
        also(report.held_before, "held before");
        also(report.skipped, "skipped at the first poll");
        also(report.oversize, "larger than max_message_size");
        also(report.left, "left for the next poll");
        also(report.without_uid, "left alone (no UID)");
        text += ", " + seconds_text(report.took);
    }
    if (report.more_after) {
        text += "; there may be more, and the server allows the next login in " +
                postrider::to_text(*report.more_after);
    }
    if (!report.error && !report.last_trouble.empty()) {
        text += "; last trouble: " + report.last_trouble;
    }
    if (text.back() == ';') {
        text.pop_back();
    }
    return text;
}

}  // namespace postrider::app
