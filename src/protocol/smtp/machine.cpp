#include "protocol/smtp/machine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

#include "protocol/smtp/capability_parser.h"
#include "protocol/smtp/commands.h"

// The session: replies to what was sent, the way to Ready, and the ways out. The transaction is in
// machine_transaction.cpp.
namespace postrider::smtp {
namespace {

/// For people: "554 5.7.1 no such luck".
std::string described(const Reply& reply) {
    const std::string enhanced = reply.enhanced.empty() ? "" : " " + reply.enhanced;
    return fmt::format("{}{} {}", reply.code, enhanced, escaped(reply.text));
}

/// RFC 5321 section 4.1.1.1: what an old server says that knows HELO only.
bool says_unknown_command(const Reply& reply) {
    return reply.code == 500 || reply.code == 502 || reply.code == 504;
}

}  // namespace

Dialogue::Machine::Machine(Settings settings)
    : settings_(std::move(settings)), hello_name_(settings_.hello_name) {}

void Dialogue::Machine::write(std::string_view line, Awaited reply) {
    output_.append(line);
    expected_.push_back(reply);
    ++unsent_;
}

std::string Dialogue::Machine::take_output() {
    unsent_ = 0;
    if (state_ == State::final_dot) open_->tally.content_sent();
    std::string output = std::exchange(output_, {});
    // A short string is moved by copying, and its old place must not keep a password.
    wipe(output_);
    return output;
}

Event Dialogue::Machine::next(std::string_view& input) {
    for (;;) {
        if (auto event = report_due(input)) return *std::move(event);
        if (state_ == State::quitting && !input.empty()) enter(State::over);  // S-032
        if (state_ == State::over) input = {};
        if (input.empty()) return NeedInput{};
        if (state_ == State::tls) {
            return fail({Errc::protocol, Retry::later, "the server sent plain bytes before TLS"});
        }
        if (reader_.is_idle()) unasked_ = !is_anything_asked();
        const auto reply = reader_.read(input);
        if (!reply) return fail(reply.error());
        if (!*reply) return NeedInput{};
        if (auto event = on_reply(**reply, input)) return *std::move(event);
    }
}

/// Ready is held back while there are bytes that nothing asked for: they are judged first.
Dialogue::Machine::MaybeEvent Dialogue::Machine::report_due(std::string_view input) {
    if (state_ == State::settled) {
        TransactionDone done{open_->tally.results(), open_->usable};
        open_.reset();
        enter(done.usable ? State::greeted : State::over);
        return done;
    }
    if (state_ == State::greeted && input.empty() && reader_.is_idle()) {
        enter(State::ready);
        return Ready{};
    }
    return std::nullopt;
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::on_reply(const Reply& reply,
                                                          std::string_view rest) {
    if (unasked_) return on_unasked(reply);
    POSTRIDER_ASSERT(!expected_.empty());
    const Awaited awaited = expected_.front();
    expected_.pop_front();
    if (reply.code == 421) {
        record(awaited, reply);
        return fail_shutdown(reply);
    }
    // The first digit decides (RFC 5321 section 4.2.1).
    const int wanted = awaited.command == Command::data ? 3 : 2;
    const bool is_challenge = awaited.command == Command::auth && reply.code == 334;
    if (!reply.is_transient() && !reply.is_permanent() && reply.code / 100 != wanted &&
        !is_challenge) {
        return fail({Errc::protocol, Retry::later,
                     "the server gave a reply out of place: " + described(reply)},
                    reply);
    }
    return dispatch(awaited, reply, rest);
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::dispatch(Awaited awaited, const Reply& reply,
                                                          std::string_view rest) {
    switch (awaited.command) {
        case Command::greeting:
            return on_greeting(reply);
        case Command::ehlo:
        case Command::helo:
            return on_hello(awaited.command, reply);
        case Command::starttls:
            return on_starttls(reply, rest);
        case Command::auth:
            return on_auth(reply);
        case Command::xclient:
            on_xclient(reply);
            return std::nullopt;
        case Command::mail:
        case Command::rcpt:
            return on_envelope(awaited, reply);
        case Command::data:
            return on_data(awaited, reply);
        case Command::chunk:
            on_chunk(awaited, reply);
            return std::nullopt;
        case Command::dot:
            on_dot(awaited, reply);
            return std::nullopt;
        case Command::rset:
            settle(reply.is_positive());
            return std::nullopt;
    }
    return std::nullopt;
}

/// Only two things may come unasked: the server's farewell, and its refusal of content that is
/// still on the way (S-031). Nothing else is an answer, least of all a 2xx.
Dialogue::Machine::MaybeEvent Dialogue::Machine::on_unasked(const Reply& reply) {
    const bool in_content = state_ == State::content || state_ == State::final_dot;
    const bool is_refusal = reply.is_transient() || reply.is_permanent();
    if (in_content && is_refusal) open_->tally.settle_accepted(Stage::content, reply);
    if (reply.code == 421) return fail_shutdown(reply);
    if (in_content && is_refusal) {
        settle(false);
        return std::nullopt;
    }
    return fail({Errc::protocol, Retry::later,
                 "the server sent a reply that nothing asked for: " + described(reply)},
                reply);
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::on_greeting(const Reply& reply) {
    if (!reply.is_positive()) return fail_refused("the server turns us away", reply);
    say_hello();
    return std::nullopt;
}

void Dialogue::Machine::say_hello() {
    enter(State::hello);
    write(fmt::format("{} {}\r\n", is_lmtp() ? "LHLO" : "EHLO", hello_name_), {Command::ehlo});
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::on_hello(Command command, const Reply& reply) {
    if (!reply.is_positive()) {
        if (open_) {
            refuse_client(reply);
            return std::nullopt;
        }
        if (is_lmtp() || command == Command::helo || !says_unknown_command(reply)) {
            return fail_refused(
                fmt::format("the server refuses {} {} (another hello_name, or type: "
                            "{}?)",
                            is_lmtp() ? "LHLO" : "EHLO", hello_name_, is_lmtp() ? "smtp" : "lmtp"),
                reply);
        }
        write(fmt::format("HELO {}\r\n", hello_name_), {Command::helo});
        return std::nullopt;
    }
    capabilities_ = command == Command::ehlo ? parse_capabilities(reply.text) : Capabilities{};
    if (!wants_tls()) return settings_.login ? authenticate() : greet_on();
    if (!capabilities_.starttls) {
        return fail({Errc::unsupported, Retry::never,
                     "TLS is required, but the server does not offer STARTTLS"});
    }
    enter(State::starttls);
    write("STARTTLS\r\n", {Command::starttls});
    return std::nullopt;
}

/// Bytes behind the go-ahead were put there by somebody on the way, to be taken for the server's
/// words under TLS (RFC 3207 section 6, A-004).
Event Dialogue::Machine::on_starttls(const Reply& reply, std::string_view rest) {
    if (!reply.is_positive()) {
        return fail({Errc::tls, reply.is_transient() ? Retry::later : Retry::never,
                     "TLS is required, but the server refuses STARTTLS: " + described(reply)},
                    reply);
    }
    if (!rest.empty()) {
        return fail({Errc::protocol, Retry::later,
                     "plain bytes follow the reply to STARTTLS: somebody tampers with the line"});
    }
    enter(State::tls);
    return StartTls{};
}

/// Behind hello, TLS and login: to the transaction that XCLIENT has interrupted, or to Ready.
Dialogue::Machine::MaybeEvent Dialogue::Machine::greet_on() {
    if (open_) {
        open_envelope();
        return std::nullopt;
    }
    if (settings_.use_xclient && capabilities_.xclient.empty()) {
        return fail(
            {Errc::unsupported, Retry::never,
             "xclient is configured, but the server does not offer XCLIENT to us; permit it "
             "there (Postfix: smtpd_authorized_xclient_hosts, Dovecot: "
             "login_trusted_networks, and LMTP over TCP)"});
    }
    enter(State::greeted);
    return std::nullopt;
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::authenticate() {
    auto chosen = Authentication::choose(*settings_.login, capabilities_, settings_.encrypted);
    if (!chosen) return fail(chosen.error());
    authentication_.emplace(std::move(*chosen));
    const auto line = authentication_->begin();
    if (!line) return fail(line.error());
    enter(State::auth);
    reader_.allow_challenge(true);
    write(line->reveal(), {Command::auth});
    return std::nullopt;
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::on_auth(const Reply& reply) {
    auto step = authentication_->on_reply(reply);
    if (!step) return fail(step.error());
    if (step->key) {
        enter(State::deriving);
        return KeyNeeded{std::move(*step->key)};
    }
    if (!step->authenticated) {
        write(step->send.reveal(), {Command::auth});
        return std::nullopt;
    }
    authentication_.reset();
    reader_.allow_challenge(false);
    return greet_on();
}

void Dialogue::Machine::key_derived(const Secret& key) {
    if (state_ == State::over) return;
    POSTRIDER_ASSERT(state_ == State::deriving);
    enter(State::auth);
    write(authentication_->on_key(key).reveal(), {Command::auth});
}

/// The server begins anew with 220, as if the original client had connected (XCLIENT_README).
void Dialogue::Machine::on_xclient(const Reply& reply) {
    if (!reply.is_positive()) {
        refuse_client(reply);
        return;
    }
    announced_ = open_->transaction.client;
    const bool takes_helo =
        std::count(capabilities_.xclient.begin(), capabilities_.xclient.end(), "HELO") > 0;
    // Postfix forgets what XCLIENT told of HELO with the EHLO that follows.
    hello_name_ = takes_helo && is_plain_hello_name(announced_->helo) ? announced_->helo
                                                                      : settings_.hello_name;
    capabilities_ = {};
    say_hello();
}

/// What the server says against the original client concerns this message, not the destination.
/// Whom it takes us for now is not known: the connection is of no further use.
void Dialogue::Machine::refuse_client(const Reply& reply) {
    open_->tally.refuse_all(Stage::mail, reply);
    settle(false);
}

void Dialogue::Machine::tls_started() {
    POSTRIDER_ASSERT(state_ == State::tls);
    settings_.encrypted = true;
    capabilities_ = {};
    reader_ = {};
    say_hello();
}

void Dialogue::Machine::quit() {
    POSTRIDER_ASSERT(state_ == State::ready);
    output_ += "QUIT\r\n";
    enter(State::quitting);
}

std::vector<RecipientResult> Dialogue::Machine::abandoned() {
    std::vector<RecipientResult> results;
    if (open_) results = open_->tally.results();
    open_.reset();
    drop_output();
    enter(State::over);
    return results;
}

void Dialogue::Machine::drop_output() {
    wipe(output_);
    output_.clear();
    expected_.clear();
    unsent_ = 0;
}

Event Dialogue::Machine::fail(Error error, std::optional<Reply> reply) {
    return Failed{std::move(error), std::move(reply), abandoned()};
}

Event Dialogue::Machine::fail_shutdown(const Reply& reply) {
    return fail({Errc::busy, Retry::later, "the server closes the session: " + described(reply)},
                reply);
}

Event Dialogue::Machine::fail_refused(std::string_view what, const Reply& reply) {
    const bool later = reply.is_transient();
    return fail({later ? Errc::busy : Errc::refused, later ? Retry::later : Retry::never,
                 fmt::format("{}: {}", what, described(reply))},
                reply);
}

Phase Dialogue::Machine::phase() const {
    switch (state_) {
        case State::greeting:
            return Phase::greeting;
        case State::hello:
        case State::auth:
        case State::deriving:
        case State::greeted:
        case State::xclient:
            return Phase::hello;
        case State::starttls:
        case State::tls:
            return Phase::tls;
        case State::ready:
        case State::settled:
            return Phase::idle;
        case State::envelope:
            return envelope_phase();
        case State::content:
            return Phase::content;
        case State::final_dot:
        case State::lone_dot:
            return Phase::final_dot;
        case State::resetting:
            return Phase::mail;
        case State::quitting:
            return Phase::quit;
        case State::over:
            return Phase::over;
    }
    return Phase::over;
}

}  // namespace postrider::smtp
