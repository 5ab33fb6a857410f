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

using nlohmann::json;

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

/// Nothing if it is no list of texts.
std::optional<std::vector<std::string>> texts_of(const json& request, const char* key) {
    const auto found = request.find(key);
    if (found == request.end() || !found->is_array()) {
        return std::nullopt;
    }
    std::vector<std::string> texts;
    for (const json& one : *found) {
        if (!one.is_string()) {
            return std::nullopt;
        }
        texts.push_back(one.get<std::string>());
    }
    return texts;
}

const char* kind_of(const Error& error) {
    return error.code == Errc::config ? "usage" : error.code == Errc::busy ? "busy" : "failed";
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

ControlTalk::ControlTalk(Ground& ground, ControlPeer peer, std::function<void()> on_more)
    : ground_(ground), peer_(peer), on_more_(std::move(on_more)) {}

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
    obey(*command, text_of(parsed, "account"), parsed);
}

void ControlTalk::obey(const std::string& command, const std::optional<std::string>& account,
                       const json& request) {
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
    if (command == "held") {
        begin_held(request);
        return;
    }
    Roster& roster = ground_.roster;
    if (command == "poll") {
        account ? roster.poll_now(*account) : roster.poll_all_now();
    } else if (command == "pause") {
        account ? roster.pause(*account) : roster.pause_all();
        keep_pauses();
        return;
    } else if (command == "resume") {
        account ? roster.resume(*account) : roster.resume_all();
        keep_pauses();
        return;
    } else {
        const auto meant =
            nearest(command, {"status", "poll", "pause", "resume", "reload", "trace", "held"});
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
    listening_ = ground_.traces.listen(account, [this](const TracedLine& line) { hear(line); });
    say({{"tracing", account}});
}

void ControlTalk::hear(const TracedLine& line) {
    if (lines_.size() >= kMaxWaitingLines) {
        ++left_out_;
        return;
    }
    if (left_out_ > 0) {
        say({{"left_out", std::exchange(left_out_, 0)}});
    }
    json told{{"at", to_the_millisecond(ground_.loop.wall_now())},
              {"from", word(line.from)},
              {"line", line.text}};
    if (!line.destination.empty()) {
        told["destination"] = line.destination;
    }
    say(told);
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

void ControlTalk::keep_pauses() {
    ground_.keep_pauses([this, is_alive = is_alive_](const Expected<void>& kept) {
        if (!*is_alive) {
            return;
        }
        if (kept) {
            done();
        } else {
            refuse("done, but only until the daemon ends: " + kept.error().text, "failed");
        }
        on_more_();
    });
}

void ControlTalk::begin_held(const json& request) {
    if (peer_ != ControlPeer::owner) {
        refuse("held mail is for root and the user of the daemon alone", "refused");
        return;
    }
    HeldDesk::Order order;
    const std::string action = text_of(request, "action").value_or("");
    const auto ids = texts_of(request, "ids");
    if ((action != "retry" && action != "drop") || !ids || ids->empty()) {
        refuse("held wants an action, retry or drop, and the ids of held messages");
        return;
    }
    order.is_drop = action == "drop";
    order.ids = *ids;
    auto other = held_otherwise(request);
    if (!other) {
        return;
    }
    order.other = *std::move(other);
    held_work_ = ground_.held.take(
        std::move(order),
        [this](const HeldWork::Result& result) {
            say({{"held",
                  {{"id", result.id},
                   {"outcome", to_text(result.outcome)},
                   {"answer", result.answer}}}});
            on_more_();
        },
        [this](const Expected<void>& outcome) {
            ground_.loop.defer_delete(std::move(held_work_));
            if (outcome) {
                done();
            } else {
                refuse(outcome.error().text, kind_of(outcome.error()));
            }
            on_more_();
        });
}

/// Nothing, and refused, if it cannot be so.
std::optional<HeldWork::Other> ControlTalk::held_otherwise(const json& request) {
    HeldWork::Other other;
    const auto recipients = texts_of(request, "for");
    if ((request.contains("to") && !text_of(request, "to")) ||
        (request.contains("for") && !recipients)) {
        refuse("to is the name of a destination, and for a list of addresses");
        return std::nullopt;
    }
    other.destination = text_of(request, "to").value_or("");
    if (!other.destination.empty() && ground_.outlets.count(other.destination) == 0) {
        refuse("no destination '" + escaped(other.destination) + "' in the configuration");
        return std::nullopt;
    }
    for (const std::string& text : recipients.value_or(std::vector<std::string>())) {
        auto recipient = mail::Address::parse(text);
        if (!recipient) {
            refuse("for: " + recipient.error().text);
            return std::nullopt;
        }
        other.recipients.push_back(*std::move(recipient));
    }
    return other;
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

void ControlTalk::refuse(const std::string& why, const char* kind) {
    say({{"error", why}, {"kind", kind}});
    is_busy_ = false;
}

}  // namespace postrider::app
