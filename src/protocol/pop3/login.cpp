#include "protocol/pop3/login.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "protocol/pop3/reply.h"

namespace postrider::pop3 {

namespace {

constexpr std::string_view kAuthPlain = "AUTH PLAIN";
constexpr std::size_t kLongestKeyword = std::string_view("USER ").size();
constexpr std::size_t kLineEnd = 2;

/// "keyword argument", or the one of them that is not empty, with CRLF; in memory that is wiped.
Secret command_line(std::string_view keyword, std::string_view argument) {
    std::string line;
    line.reserve(keyword.size() + 1 + argument.size() + kLineEnd);
    line += keyword;
    if (!keyword.empty() && !argument.empty()) {
        line += ' ';
    }
    line += argument;
    line += "\r\n";
    return Secret(std::move(line));
}

/// Octets that neither a command line nor PLAIN (RFC 4616) can carry.
bool has_forbidden_octet(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool has_outer_blank(std::string_view text) {
    return trimmed(text).size() != text.size();
}

/// Why USER and PASS cannot carry these, or "" (P-016).
std::string_view unfit_for_user_pass(std::string_view user, std::string_view password,
                                     const Capabilities& capabilities) {
    constexpr std::size_t kRoom = Login::kMaxCommandLine - kLongestKeyword - kLineEnd;
    if (user.size() > kRoom || password.size() > kRoom) {
        return "are limited to 255 octets a line, and user or password is longer";
    }
    if (has_outer_blank(user) || has_outer_blank(password)) {
        return "cannot carry a user or password that begins or ends with a blank";
    }
    if (!capabilities.utf8_user && !(is_ascii(user) && is_ascii(password))) {
        return "are for ASCII on this server, and user or password is not";
    }
    return {};
}

tl::unexpected<Error> unsupported(std::string text) {
    return failure(Errc::unsupported, Retry::never, std::move(text));
}

/// Length in base64 of the PLAIN message: NUL user NUL password.
std::size_t plain_length(const Settings& settings) {
    const std::size_t octets = 2 + settings.user.size() + settings.password.reveal().size();
    return (octets + 2) / 3 * 4;
}

}  // namespace

Expected<Login> Login::choose(const Settings& settings, const Capabilities& capabilities) {
    const std::string_view password = settings.password.reveal();
    if (settings.user.empty() || password.empty()) {
        return failure(Errc::config, Retry::never, "user or password is empty; set both");
    }
    if (has_forbidden_octet(settings.user) || has_forbidden_octet(password)) {
        return failure(Errc::config, Retry::never,
                       "user or password contains a line end or a NUL; take it out");
    }
    const auto& sasl = capabilities.sasl;
    const bool lists_plain = std::find(sasl.begin(), sasl.end(), "PLAIN") != sasl.end();
    switch (settings.auth) {
        case AuthMethod::plain:
            if (!lists_plain) {
                return unsupported(
                    "the server does not list AUTH PLAIN (CAPA, SASL), which the configuration "
                    "asks for; choose another auth");
            }
            return Login(State::auth_begun);
        case AuthMethod::user:
            if (capabilities.known && !capabilities.user) {
                return unsupported(
                    "the server does not list USER (CAPA), which the configuration asks for; "
                    "choose another auth");
            }
            break;
        case AuthMethod::automatic:
            if (lists_plain) {
                return Login(State::auth_begun);
            }
            break;
    }
    if (const auto why = unfit_for_user_pass(settings.user, password, capabilities); !why.empty()) {
        return unsupported(fmt::format(
            "USER and PASS {}; {}", why,
            lists_plain ? "set auth to plain" : "the server does not list AUTH PLAIN either"));
    }
    return Login(State::user);
}

Expected<Secret> Login::begin(const Settings& settings, Quoter& quoter) {
    quoter.withhold(settings.password);
    if (state_ == State::user) {
        return command_line("USER", settings.user);
    }
    auto client = sasl::Client::start("PLAIN", settings.user, settings.password);
    if (!client) {
        return failure(std::move(client).error());
    }
    sasl_ = std::move(*client);
    // An initial response saves a round trip where it fits (RFC 5034 section 4).
    if (kAuthPlain.size() + 1 + plain_length(settings) + kLineEnd > kMaxCommandLine) {
        return command_line(kAuthPlain, {});
    }
    auto response = sasl_->respond({});
    if (!response) {
        return failure(std::move(response).error());
    }
    quoter.withhold(*response);
    state_ = State::auth_answered;
    return command_line(kAuthPlain, response->reveal());
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
            return Step{false, command_line("PASS", settings.password.reveal())};
        case State::pass:
        case State::auth_answered:
            return Step{true, {}};
        case State::auth_begun:
        case State::cancelled:
            break;
    }
    return failure(out_of_step(line, quoter));
}

Expected<Login::Step> Login::on_challenge(std::string_view challenge, Quoter& quoter) {
    auto response = sasl_->respond(challenge);
    if (!response) {
        error_ = std::move(response).error().in("AUTH PLAIN");
        state_ = State::cancelled;
        return Step{false, Secret(std::string("*\r\n"))};
    }
    quoter.withhold(*response);
    state_ = State::auth_answered;
    return Step{false, command_line({}, response->reveal())};
}

Error Login::refused(std::string_view line, const Settings& settings, const Quoter& quoter) const {
    const std::string_view command = state_ == State::user   ? "USER"
                                     : state_ == State::pass ? "PASS"
                                                             : kAuthPlain;
    const std::string asked = fmt::format("{} for \"{}\"", command, escaped(settings.user));
    return refusal({.asked = asked,
                    .code = Errc::login_refused,
                    .retry = Retry::never,
                    .advice = "check user and password"},
                   line, quoter);
}

Error Login::out_of_step(std::string_view line, const Quoter& quoter) const {
    return {Errc::protocol, Retry::later,
            fmt::format("the server answered the login with {}, which is no reply to it",
                        quoter.quoted(line))};
}

bool Login::is_auth() const {
    return state_ == State::auth_begun || state_ == State::auth_answered;
}

std::size_t Login::line_limit() const {
    return is_auth() ? sasl::kMaxChallenge + kMaxReplyLine : kMaxReplyLine;
}

}  // namespace postrider::pop3
