#include "protocol/pop3/machine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/secret.h"
#include "postrider/base/text.h"
#include "postrider/protocol/pop3/transcript.h"

namespace postrider::pop3 {

Dialogue::Machine::Machine(Settings settings)
    : settings_(std::move(settings)), may_log_in_(settings_.encrypted) {
    POSTRIDER_ASSERT(!(settings_.use_stls && settings_.encrypted));
}

Event Dialogue::Machine::next(std::string_view& input) {
    if (state_ == State::failed) {
        input = {};
    }
    while (!input.empty()) {
        if (!is_reply_due()) {
            return fail_unsolicited(input);
        }
        auto report = reading_ == Reading::message ? read_message(input) : read_line(input);
        if (report) {
            return std::move(*report);
        }
    }
    return NeedInput{};
}

std::string Dialogue::Machine::take_output() {
    if (state_ == State::draining && window_.outstanding() == 0) {
        enter(State::quitting);
        send("QUIT");
    } else if (state_ == State::transaction || state_ == State::draining) {
        window_.fill(output_);
    }
    std::string taken = output_;
    wipe(output_);
    if (!taken.empty()) {
        tell_sent(taken);
    }
    return taken;
}

void Dialogue::Machine::tls_started() {
    if (state_ == State::failed) {
        return;
    }
    POSTRIDER_ASSERT(state_ == State::tls);
    may_log_in_ = true;
    enter(State::capa_before_login);
    send("CAPA");
}

void Dialogue::Machine::key_derived(const Secret& key) {
    if (state_ == State::failed) {
        return;
    }
    POSTRIDER_ASSERT(state_ == State::deriving);
    enter(State::login);
    output_ = login_->on_key(key, quoter_).reveal();
}

void Dialogue::Machine::retr(std::uint32_t number) {
    push({settings_.fetch_with_top ? Verb::top_all : Verb::retr, number});
}

void Dialogue::Machine::push(Command command) {
    if (state_ == State::failed) {
        return;
    }
    POSTRIDER_ASSERT(state_ == State::transaction);
    window_.push(command);
}

void Dialogue::Machine::quit() {
    if (state_ == State::failed) {
        return;
    }
    POSTRIDER_ASSERT(state_ == State::transaction);
    enter(State::draining);
}

Phase Dialogue::Machine::phase() const {
    switch (state_) {
        case State::greeting:
            return Phase::greeting;
        case State::capa_before_tls:
        case State::stls:
        case State::tls:
            return Phase::tls;
        case State::capa_before_login:
        case State::lang:
        case State::utf8:
        case State::login:
        case State::deriving:
        case State::capa_after_login:
            return Phase::login;
        case State::transaction:
        case State::draining:
            return Phase::transaction;
        case State::quitting:
            return Phase::quit;
        case State::quit_done:
        case State::failed:
            break;
    }
    return Phase::over;
}

bool Dialogue::Machine::waits_for_capa() const {
    return (state_ == State::capa_before_login || state_ == State::capa_after_login) &&
           reading_ == Reading::status_line && !settings_.use_stls;
}

std::string Dialogue::Machine::awaited() const {
    switch (state_) {
        case State::capa_before_tls:
        case State::capa_before_login:
        case State::capa_after_login:
            return "CAPA";
        case State::stls:
            return "STLS";
        case State::lang:
            return "LANG";
        case State::utf8:
            return "UTF8";
        case State::transaction:
        case State::draining:
            return window_.in_flight() > 0 ? to_text(window_.front()) : std::string();
        case State::quitting:
            return "QUIT";
        case State::greeting:
        case State::tls:
        case State::login:
        case State::deriving:
        case State::quit_done:
        case State::failed:
            break;
    }
    return {};
}

std::size_t Dialogue::Machine::outstanding() const {
    const bool has_quit = state_ == State::draining || state_ == State::quitting;
    return window_.outstanding() + (has_quit ? 1 : 0);
}

Dialogue::Machine::Report Dialogue::Machine::read_line(std::string_view& input) {
    const auto line = lines_.next(input, line_limit());
    switch (line.outcome) {
        case LineReader::Outcome::line:
            if (auto fits = check_line_end(line.bare_lf); !fits) {
                return fail(std::move(fits).error());
            }
            tell_received(line.text);
            return on_line(line.text, input);
        case LineReader::Outcome::need_more:
            return std::nullopt;
        case LineReader::Outcome::too_long:
            break;
    }
    return fail({Errc::limit, Retry::later,
                 fmt::format("the server sent a line of more than {} octets", line_limit())});
}

/// A server may end all of its lines in a bare LF, from the greeting on; but it must not change
/// its mind (P-004).
Expected<void> Dialogue::Machine::check_line_end(bool bare_lf) {
    if (!bare_lf_) {
        bare_lf_ = bare_lf;
    }
    if (bare_lf == *bare_lf_) {
        return {};
    }
    return failure(Errc::protocol, Retry::later,
                   bare_lf ? "the server ended a line in LF without CR (RFC 1939 section 3 wants "
                             "CRLF)"
                           : "the server ended a line in CRLF and those before in a bare LF");
}

Dialogue::Machine::Report Dialogue::Machine::read_message(std::string_view& input) {
    const auto piece = body_.next(input);
    const Command command = window_.front();
    const bool is_head = command.verb == Verb::top_head;
    body_octets_ += piece.bytes.size();
    if (piece.end) {
        tell_message(is_head);
        reading_ = Reading::status_line;
        window_.pop();
        return is_head ? believe(HeadDone{command.number}, input)
                       : believe(MessageDone{command.number}, input);
    }
    if (piece.bytes.empty()) {
        return std::nullopt;
    }
    return is_head ? Event(HeadPart{command.number, piece.bytes})
                   : Event(MessagePart{command.number, piece.bytes});
}

Dialogue::Machine::Report Dialogue::Machine::on_line(std::string_view line, std::string_view rest) {
    if (reading_ == Reading::status_line) {
        return on_status_line(line, rest);
    }
    // The lines of CAPA, UIDL and LIST are stuffed like those of a message (RFC 1939 section 3).
    const bool is_end = line == ".";
    if (line.starts_with('.')) {
        line.remove_prefix(1);
    }
    if (reading_ == Reading::capa_lines) {
        return is_end ? on_capa_end(rest) : on_capa_line(line);
    }
    return is_end ? on_listing_end(rest) : on_listing_line(line);
}

Dialogue::Machine::Report Dialogue::Machine::on_status_line(std::string_view line,
                                                            std::string_view rest) {
    switch (state_) {
        case State::greeting:
            return on_greeting(line);
        case State::capa_before_tls:
        case State::capa_before_login:
        case State::capa_after_login:
            return on_capa_status(line, rest);
        case State::stls:
            return on_stls_reply(line, rest);
        case State::lang:
            // A language is a wish: whatever it says, the texts are for people only.
            return parse_reply(line).status == Status::none ? Report(fail_no_reply("LANG", line))
                                                            : ask_utf8();
        case State::utf8:
            return on_utf8_reply(line);
        case State::login:
            return on_login_reply(line, rest);
        case State::transaction:
        case State::draining:
            return on_command_reply(line, rest);
        case State::quitting:
            return on_quit_reply(line, rest);
        case State::tls:
        case State::deriving:
        case State::quit_done:
        case State::failed:
            break;
    }
    POSTRIDER_ASSERT(false);  // no reply is due in these
    return std::nullopt;
}

Event Dialogue::Machine::believe(Event event, std::string_view rest) {
    // What stands behind a reply in the same bytes must be able to begin the next one. If it is
    // not, this reply was cut in the wrong place, and what it says cannot be relied on (P-005,
    // P-006).
    if (rest.empty() || (is_reply_due() && may_begin_reply(rest))) {
        return event;
    }
    return fail_unsolicited(rest);
}

Event Dialogue::Machine::fail(Error error) {
    enter(State::failed);
    wipe(output_);
    return Failed{std::move(error)};
}

Event Dialogue::Machine::fail_no_reply(std::string_view asked, std::string_view line) {
    return fail({Errc::protocol, Retry::later,
                 fmt::format("the server answered {} with {}, which is no POP3 reply", asked,
                             quoter_.quoted(line))});
}

Event Dialogue::Machine::fail_unsolicited(std::string_view bytes) {
    return fail({Errc::protocol, Retry::later,
                 fmt::format("the server sent {} where no reply was due{}", quoter_.quoted(bytes),
                             state_ == State::tls ? ", between STLS and TLS: somebody may be "
                                                    "tampering with the connection"
                                                  : "")});
}

void Dialogue::Machine::send(std::string_view command) {
    output_ += command;
    output_ += "\r\n";
}

bool Dialogue::Machine::is_heard() const {
    return settings_.transcript != nullptr && settings_.transcript->is_wanted();
}

void Dialogue::Machine::tell_sent(std::string_view lines) const {
    if (!is_heard()) {
        return;
    }
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find("\r\n"));
        lines.remove_prefix(std::min(line.size() + 2, lines.size()));
        settings_.transcript->client(state_ == State::login ? login_->shown(line) : escaped(line));
    }
}

/// A challenge may have what is secret in it, however it is encoded.
void Dialogue::Machine::tell_received(std::string_view line) const {
    if (!is_heard()) {
        return;
    }
    const bool is_challenge = state_ == State::login && reading_ == Reading::status_line &&
                              parse_reply(line).status == Status::challenge;
    settings_.transcript->server(is_challenge ? "+ ****" : quoter_.shown(line, kMaxReplyLine));
}

void Dialogue::Machine::tell_message(bool is_head) {
    const std::uint64_t octets = std::exchange(body_octets_, 0);
    if (is_heard()) {
        settings_.transcript->server(
            fmt::format("({} of {} octets)", is_head ? "header" : "message", octets));
    }
}

/// Bytes are a reply only to what has been taken for sending.
bool Dialogue::Machine::is_reply_due() const {
    switch (state_) {
        case State::greeting:
            return true;
        case State::capa_before_tls:
        case State::stls:
        case State::capa_before_login:
        case State::lang:
        case State::utf8:
        case State::login:
        case State::capa_after_login:
        case State::quitting:
            return output_.empty();
        case State::transaction:
        case State::draining:
            return window_.in_flight() > 0;
        case State::tls:
        case State::deriving:
        case State::quit_done:
        case State::failed:
            break;
    }
    return false;
}

std::size_t Dialogue::Machine::line_limit() const {
    if (reading_ == Reading::uid_lines || reading_ == Reading::size_lines) {
        return kMaxListLine;
    }
    return state_ == State::login ? login_->line_limit() : kMaxReplyLine;
}

}  // namespace postrider::pop3
