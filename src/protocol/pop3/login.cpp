#include "protocol/pop3/login.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"
#include "postrider/mail/digests.h"

#include "protocol/pop3/reply.h"

namespace postrider::pop3 {

namespace {

/// "keyword argument", or the one of them that is not empty, with CRLF; in memory that is wiped.
Secret command_line(std::string_view keyword, std::string_view argument) {
    std::string line;
    line.reserve(keyword.size() + argument.size() + std::string_view(" \r\n").size());
    line += keyword;
    if (!keyword.empty() && !argument.empty()) {
        line += ' ';
    }
    line += argument;
    line += "\r\n";
    return Secret(std::move(line));
}

/// APOP's proof: the user, and the digest over timestamp and password (RFC 1939 section 7).
Secret apop_arguments(const Settings& settings, std::string_view timestamp) {
    const std::string_view password = settings.password.reveal();
    std::string secret;
    secret.reserve(timestamp.size() + password.size());
    secret.append(timestamp).append(password);
    Secret arguments(settings.user + ' ' + mail::md5_hex(secret));
    wipe(secret);
    return arguments;
}

bool lists_plus(const LoginGround& ground, const std::string& mechanism) {
    const auto& sasl = ground.capabilities.sasl;
    return std::find(sasl.begin(), sasl.end(), mechanism + "-PLUS") != sasl.end();
}

std::string_view advice_for(const LoginWay& way) {
    if (way.kind == LoginWay::Kind::sasl) {
        if (sasl::takes_token(way.name)) {
            return "check user and token: it may have expired, or lack the scope for POP";
        }
        if (way.name == "EXTERNAL") {
            return "check user and client certificate";
        }
        if (way.name.ends_with("-PLUS")) {
            // Cyrus lists it under TLS 1.3, where its only kind of binding does not exist.
            return "check user and password; if they are right, the server may bind logins to TLS "
                   "in another way: try auth: scram-sha-256";
        }
        if (way.name.starts_with("SCRAM-")) {
            return "check user and password; if they are right, the server may keep no secret for "
                   "this mechanism: try auth: plain";
        }
    }
    return "check user and password";
}

}  // namespace

Expected<Login> Login::choose(const Settings& settings, const LoginGround& ground) {
    auto way = choose_login(settings, ground);
    if (!way) {
        return failure(std::move(way).error());
    }
    switch (way->kind) {
        case LoginWay::Kind::user:
            return Login(State::user, std::move(*way), std::nullopt);
        case LoginWay::Kind::apop:
            return Login(State::apop, std::move(*way), std::nullopt);
        case LoginWay::Kind::sasl:
            break;
    }
    auto client = sasl::Client::start(
        way->name, {.user = settings.user,
                    .secret = sasl::takes_token(way->name) ? settings.token : settings.password,
                    .host = settings.host,
                    .port = settings.port,
                    .binding = ground.binding,
                    .plus_is_listed = lists_plus(ground, way->name)});
    if (!client) {
        return failure(std::move(client).error());
    }
    return Login(State::auth_begun, std::move(*way), std::move(*client));
}

Expected<Secret> Login::begin(const Settings& settings, Quoter& quoter) {
    quoter.withhold(settings.password);
    quoter.withhold(settings.token);
    switch (state_) {
        case State::user:
            return command_line("USER", settings.user);
        case State::apop:
            return command_line("APOP", apop_arguments(settings, way_.name).reveal());
        case State::auth_begun:
        case State::auth_answered:
        case State::pass:
        case State::cancelled:
            break;
    }
    return begin_auth(quoter);
}

/// An initial response saves a round trip where it fits (RFC 5034 section 4). Tokens always go in a
/// second step: Microsoft's servers end the connection over one in the first.
Expected<Secret> Login::begin_auth(Quoter& quoter) {
    if (!sasl::client_begins(way_.name) || sasl::takes_token(way_.name)) {
        return command_line(command(), {});
    }
    auto response = sasl_->respond({});
    if (!response) {
        return failure(std::move(response).error());
    }
    quoter.withhold(*response);
    const std::string_view text = response->empty() ? "=" : response->reveal();
    Secret line = command_line(command(), text);
    if (line.reveal().size() > kMaxCommandLine) {
        initial_response_ = std::move(*response);
        return command_line(command(), {});
    }
    state_ = State::auth_answered;
    return line;
}

Expected<Login::Step> Login::on_reply(std::string_view line, const Settings& settings,
                                      Quoter& quoter) {
    if (state_ == State::cancelled) {
        return failure(*error_);
    }
    const Reply reply = parse_reply(line);
    if (reply.status != Status::challenge && line.size() > kMaxReplyLine) {
        return failure(Errc::limit, Retry::later,
                       fmt::format("the server answered the login with a line of more than {} "
                                   "octets",
                                   kMaxReplyLine));
    }
    switch (reply.status) {
        case Status::ok:
            return on_accepted(line, settings, quoter);
        case Status::err:
            return failure(refused(line, settings, quoter));
        case Status::challenge:
            if (is_auth()) {
                return on_challenge(reply.text, quoter);
            }
            break;
        case Status::none:
            break;
    }
    return failure(out_of_step(line, quoter));
}

Expected<Login::Step> Login::on_accepted(std::string_view line, const Settings& settings,
                                         const Quoter& quoter) {
    switch (state_) {
        case State::user:
            state_ = State::pass;
            return Step{.send = command_line("PASS", settings.password.reveal())};
        case State::pass:
        case State::apop:
            return Step{.logged_in = true};
        case State::auth_answered:
            if (!sasl_->is_satisfied()) {
                return failure(Errc::protocol, Retry::later,
                               fmt::format("{}: the server said yes before it had proved itself: "
                                           "it may not be the one that it poses as",
                                           command()));
            }
            return Step{.logged_in = true};
        case State::auth_begun:
        case State::cancelled:
            break;
    }
    return failure(out_of_step(line, quoter));
}

Login::Step Login::on_challenge(std::string_view challenge, Quoter& quoter) {
    if (initial_response_ && challenge.empty()) {
        state_ = State::auth_answered;
        const Secret response = *std::exchange(initial_response_, std::nullopt);
        return Step{.send = command_line({}, response.reveal())};
    }
    auto key = sasl_->key_for(challenge);
    if (!key) {
        return Step{.send = cancel(key.error())};
    }
    if (*key) {
        challenge_ = challenge;
        return Step{.key = std::move(*key)};
    }
    return Step{.send = answer(challenge, quoter)};
}

Secret Login::on_key(const Secret& key, Quoter& quoter) {
    sasl_->take_key(key);
    return answer(std::exchange(challenge_, {}), quoter);
}

Secret Login::answer(std::string_view challenge, Quoter& quoter) {
    auto response = sasl_->respond(challenge);
    if (!response) {
        return cancel(response.error());
    }
    quoter.withhold(*response);
    state_ = State::auth_answered;
    return command_line({}, response->reveal());
}

Secret Login::cancel(const Error& why) {
    error_ = why.in(command());
    state_ = State::cancelled;
    return Secret(std::string("*\r\n"));
}

std::string Login::command() const {
    switch (state_) {
        case State::user:
            return "USER";
        case State::pass:
            return "PASS";
        case State::apop:
            return "APOP";
        case State::auth_begun:
        case State::auth_answered:
        case State::cancelled:
            break;
    }
    return "AUTH " + way_.name;
}

Error Login::refused(std::string_view line, const Settings& settings, const Quoter& quoter) const {
    const std::string asked = fmt::format("{} for \"{}\"", command(), escaped(settings.user));
    Error error = refusal({.asked = asked,
                           .code = Errc::login_refused,
                           .retry = Retry::never,
                           .advice = advice_for(way_),
                           .user = settings.user},
                          line, quoter);
    if (sasl_ && sasl_->complaint()) {
        const sasl::Complaint& complaint = *sasl_->complaint();
        error.text += fmt::format(" (the server explained: {})", complaint.text);
        if (complaint.is_temporary && error.code == Errc::login_refused) {
            error.code = Errc::busy;
            error.retry = Retry::later;
        }
    }
    return error;
}

Error Login::out_of_step(std::string_view line, const Quoter& quoter) const {
    return {Errc::protocol, Retry::later,
            fmt::format("the server answered the login with {}, which is no reply to it",
                        quoter.quoted(line))};
}

bool Login::is_auth() const {
    return state_ == State::auth_begun || state_ == State::auth_answered;
}

std::string Login::shown(std::string_view line) const {
    switch (state_) {
        case State::user:
        case State::auth_begun:
        case State::cancelled:
            return escaped(line);
        case State::pass:
        case State::apop:
            return command() + " ****";
        case State::auth_answered:
            break;
    }
    // A response of its own is base64, which has no blank.
    return line.starts_with("AUTH ") ? command() + " ****" : "****";
}

std::size_t Login::line_limit() const {
    return is_auth() ? sasl::kMaxChallenge + kMaxReplyLine : kMaxReplyLine;
}

}  // namespace postrider::pop3
