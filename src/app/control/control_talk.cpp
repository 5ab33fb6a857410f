#include "app/control/control_talk.h"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

#include "app/control/status_report.h"

namespace postrider::app {

namespace {

const char* word(Speaker speaker) {
    switch (speaker) {
        case Speaker::client:
            return "client";
        case Speaker::server:
            return "server";
        case Speaker::note:
            return "note";
    }
    POSTRIDER_ASSERT(false);
}

std::string to_the_millisecond(WallTime time) {
    std::string text = iso8601(time);
    text.pop_back();  // the Z
    return fmt::format("{}.{:03}Z", text, time.time_since_epoch().count() % 1000);
}

std::optional<std::string> text_of(const nlohmann::json& request, const char* key) {
    const auto found = request.find(key);
    if (found == request.end() || !found->is_string()) {
        return std::nullopt;
    }
    return found->get<std::string>();
}

nlohmann::json daemon_report(const ControlTalk::Ground& ground) {
    const DaemonFacts facts = ground.facts();
    const engine::Scheduler::Figures figures = ground.roster.figures();
    return {{"version", POSTRIDER_VERSION},
            {"pid", ::getpid()},
            {"started", iso8601(facts.started)},
            {"accounts", figures.accounts},
            {"polling", figures.running},
            {"due", figures.due},
            {"loop_lag", std::chrono::duration<double>(facts.loop_lag).count()},
            {"memory_in_flight", facts.memory_in_flight},
            {"stopping", facts.is_stopping}};
}

}  // namespace

ControlTalk::ControlTalk(Ground& ground, std::function<void()> on_more)
    : ground_(ground), on_more_(std::move(on_more)) {}

ControlTalk::~ControlTalk() {
    *is_alive_ = false;
}

void ControlTalk::take(std::string_view request) {
    POSTRIDER_ASSERT(!is_busy_);
    is_busy_ = true;
    const nlohmann::json parsed = nlohmann::json::parse(request, nullptr, false);
    const auto command = parsed.is_object() ? text_of(parsed, "command") : std::nullopt;
    if (!command) {
        refuse("a request is a JSON object with a command, on one line");
        return;
    }
    obey(*command, text_of(parsed, "account"));
}

void ControlTalk::obey(const std::string& command, const std::optional<std::string>& account) {
    if (account && !expect_account(*account)) {
        return;
    }
    if (command == "status") {
        begin_status(account);
        return;
    }
    if (command == "reload") {
        reload();
        return;
    }
    if (command == "trace") {
        if (account) {
            begin_trace(*account);
        } else {
            refuse("trace wants an account");
        }
        return;
    }
    Roster& roster = ground_.roster;
    if (command == "poll") {
        account ? roster.poll_now(*account) : roster.poll_all_now();
    } else if (command == "pause") {
        account ? roster.pause(*account) : roster.pause_all();
    } else if (command == "resume") {
        account ? roster.resume(*account) : roster.resume_all();
    } else {
        const auto meant =
            nearest(command, {"status", "poll", "pause", "resume", "reload", "trace"});
        refuse("there is no command '" + escaped(command) + "'" +
               (meant ? "; did you mean '" + *meant + "'?" : ""));
        return;
    }
    done();
}

bool ControlTalk::expect_account(const std::string& name) {
    if (ground_.roster.has(name)) {
        return true;
    }
    std::vector<std::string> known;
    for (const auto& [other, member] : ground_.roster.members()) {
        known.push_back(other);
    }
    const auto meant = nearest(name, known);
    refuse("no account '" + escaped(name) + "' in the configuration" +
           (meant ? "; did you mean '" + *meant + "'?" : ""));
    return false;
}

void ControlTalk::begin_status(const std::optional<std::string>& account) {
    const Clock clock{ground_.loop.now(), ground_.loop.wall_now()};
    say({{"daemon", daemon_report(ground_)}});
    for (const auto& [name, outlet] : ground_.outlets) {
        say({{"destination", destination_report(*outlet, clock)}});
    }
    if (account) {
        const auto& member = ground_.roster.members().find(*account)->second;
        say({{"account", account_report(ground_.roster, member, clock)}});
        done();
        return;
    }
    next_account_ = "";
}

void ControlTalk::say_next_account() {
    const auto& members = ground_.roster.members();
    auto next = members.lower_bound(*next_account_);
    while (next != members.end() && next->second.is_leaving) {
        ++next;
    }
    if (next == members.end()) {
        next_account_.reset();
        done();
        return;
    }
    const Clock clock{ground_.loop.now(), ground_.loop.wall_now()};
    say({{"account", account_report(ground_.roster, next->second, clock)}});
    next_account_ = next->first + '\0';
}

void ControlTalk::begin_trace(const std::string& account) {
    listening_ = ground_.traces.listen(
        account, [this](Speaker speaker, std::string_view line) { hear(speaker, line); });
    say({{"tracing", account}});
}

void ControlTalk::hear(Speaker speaker, std::string_view line) {
    if (lines_.size() >= kMaxWaitingLines) {
        ++left_out_;
        return;
    }
    if (left_out_ > 0) {
        say({{"left_out", std::exchange(left_out_, 0)}});
    }
    say({{"at", to_the_millisecond(ground_.loop.wall_now())},
         {"from", word(speaker)},
         {"line", line}});
    on_more_();
}

void ControlTalk::reload() {
    ground_.reload([this, is_alive = is_alive_](const Reloaded& reloaded) {
        if (!*is_alive) {
            return;
        }
        for (const config::Problem& problem : reloaded.problems) {
            say({{"problem", problem.to_text()}});
        }
        say({{"summary", reloaded.summary}});
        done();
        on_more_();
    });
}

void ControlTalk::fill(std::string& out, std::size_t mark) {
    while (out.size() <= mark) {
        if (lines_.empty() && next_account_) {
            say_next_account();
        }
        if (lines_.empty()) {
            return;
        }
        out += lines_.front();
        lines_.pop_front();
    }
}

void ControlTalk::say(const nlohmann::json& object) {
    // Remote bytes are escaped already; what else may be no UTF-8 is replaced.
    lines_.push_back(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void ControlTalk::done() {
    say({{"done", true}});
    is_busy_ = false;
}

void ControlTalk::refuse(const std::string& why) {
    say({{"error", why}, {"kind", "usage"}});
    is_busy_ = false;
}

}  // namespace postrider::app
