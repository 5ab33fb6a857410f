// The way from the greeting to LoggedIn.

#include <utility>

#include <fmt/format.h>

#include "postrider/base/planted.h"

#include "protocol/pop3/machine.h"

namespace postrider::pop3 {

namespace {

/// What a stranger's greeting tells about the port, for the error text (P-001).
std::string_view hint_of(std::string_view greeting) {
    if (greeting.starts_with("* ")) {
        return "; it speaks IMAP: check host and port";
    }
    if (greeting.starts_with("220")) {
        return "; it speaks SMTP or FTP: check host and port";
    }
    return "; check host and port";
}

}  // namespace

Dialogue::Machine::Report Dialogue::Machine::on_greeting(std::string_view line) {
    switch (parse_reply(line).status) {
        case Status::ok:
            if (!settings_.use_stls) {
                greeting_ = line;
            }
            if (!settings_.use_stls && !settings_.ask_capa) {
                return after_capa();
            }
            enter(settings_.use_stls ? State::capa_before_tls : State::capa_before_login);
            send("CAPA");
            return std::nullopt;
        case Status::err:
            return fail(
                refusal({.asked = "the connection", .code = Errc::protocol}, line, quoter_));
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail({Errc::protocol, Retry::later,
                 fmt::format("this is no POP3 server: it greets with {}{}", quoter_.quoted(line),
                             hint_of(line))});
}

Dialogue::Machine::Report Dialogue::Machine::on_capa_status(std::string_view line,
                                                            std::string_view rest) {
    capa_ = CapaReader();
    switch (parse_reply(line).status) {
        case Status::ok:
            reading_ = Reading::capa_lines;
            return std::nullopt;
        case Status::err:
            if (state_ == State::capa_before_tls) {
                return fail(refusal({.asked = "CAPA",
                                     .code = Errc::unsupported,
                                     .retry = Retry::never,
                                     .advice = "without it there is no STLS, which the "
                                               "configuration requires; try tls: implicit"},
                                    line, quoter_));
            }
            if (state_ == State::capa_after_login) {
                // What it listed before still holds; pipelining only if it says so now (P-022).
                capabilities_.pipelining = false;
                return on_logged_in(rest);
            }
            // A server older than RFC 2449 (P-007).
            capabilities_ = {};
            return after_capa();
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail_no_reply("CAPA", line);
}

Dialogue::Machine::Report Dialogue::Machine::on_capa_line(std::string_view line) {
    if (auto added = capa_.add(line); !added) {
        return fail(std::move(added).error());
    }
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_capa_end(std::string_view rest) {
    reading_ = Reading::status_line;
    capabilities_ = capa_.capabilities();
    if (state_ == State::capa_before_login) {
        return after_capa();
    }
    if (state_ == State::capa_after_login) {
        return on_logged_in(rest);
    }
    if (!capabilities_.stls) {
        return fail({Errc::unsupported, Retry::never,
                     "the server does not list STLS (CAPA), which the configuration requires; "
                     "nothing of the user was sent; try tls: implicit"});
    }
    enter(State::stls);
    send("STLS");
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_stls_reply(std::string_view line,
                                                           std::string_view rest) {
    switch (parse_reply(line).status) {
        case Status::ok:
            // All that was learned in the clear may have been forged (RFC 2595 section 4, P-009).
            capabilities_ = {};
            enter(State::tls);
            return believe(StartTls{}, rest);
        case Status::err:
            return fail(refusal({.asked = "STLS",
                                 .code = Errc::tls,
                                 .advice = "the configuration requires it; nothing of the user "
                                           "was sent; try tls: implicit"},
                                line, quoter_));
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail_no_reply("STLS", line);
}

Dialogue::Machine::Report Dialogue::Machine::after_capa() {
    if (!settings_.lang.empty() && capabilities_.lang) {
        enter(State::lang);
        send("LANG " + settings_.lang);
        return std::nullopt;
    }
    return ask_utf8();
}

Dialogue::Machine::Report Dialogue::Machine::ask_utf8() {
    if (!settings_.utf8) {
        return begin_login();
    }
    if (!capabilities_.utf8) {
        return fail({Errc::unsupported, Retry::never,
                     "the server does not list UTF8 (CAPA), which the configuration asks for; set "
                     "utf8 to false"});
    }
    enter(State::utf8);
    send("UTF8");
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_utf8_reply(std::string_view line) {
    switch (parse_reply(line).status) {
        case Status::ok:
            return begin_login();
        case Status::err:
            return fail(refusal({.asked = "UTF8",
                                 .code = Errc::unsupported,
                                 .retry = Retry::never,
                                 .advice = "set utf8 to false"},
                                line, quoter_));
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail_no_reply("UTF8", line);
}

/// The one place where a session begins to tell who we are (P-010).
Dialogue::Machine::Report Dialogue::Machine::begin_login() {
    if (!may_log_in_) {
        return fail({Errc::config, Retry::never,
                     "the connection is not protected by TLS, and nothing allows to log in without "
                     "it; nothing of the user was sent"});
    }
    auto login = Login::choose(
        settings_, {.capabilities = capabilities_, .greeting = greeting_, .binding = binding_});
    if (!login) {
        return fail(std::move(login).error());
    }
    login_ = std::move(*login);
    auto first = login_->begin(settings_, quoter_);
    if (!first) {
        return fail(std::move(first).error());
    }
    enter(State::login);
    output_ = first->reveal();
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_login_reply(std::string_view line,
                                                            std::string_view rest) {
    auto step = login_->on_reply(line, settings_, quoter_);
    if (!step) {
        return fail(std::move(step).error());
    }
    if (step->key) {
        enter(State::deriving);
        return believe(KeyNeeded{std::move(*step->key)}, rest);
    }
    if (step->logged_in) {
        login_.reset();
        if (!settings_.use_stls && !settings_.ask_capa) {
            return on_logged_in(rest);
        }
        enter(State::capa_after_login);
        send("CAPA");
    } else {
        output_ = step->send.reveal();
    }
    return std::nullopt;
}

void Dialogue::Machine::begin_pipelining() {
    if (settings_.pipelining && capabilities_.pipelining) {
        window_.allow_pipelining();
    }
}

Dialogue::Machine::Report Dialogue::Machine::on_logged_in(std::string_view rest) {
    if (!settings_.lists_first || is_planted("pipelined-at-once")) {
        begin_pipelining();
    }
    if (*bare_lf_) {
        body_ = MultilineReader(MultilineReader::LineEnd::lf);
    }
    enter(State::transaction);
    return believe(LoggedIn{}, rest);
}

}  // namespace postrider::pop3
