#include "support/fake_pop3_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::test {

namespace {

/// The octets as lines of a multi-line reply, with its end.
std::string multiline(const std::string& octets, bool stuffs, const std::string& line_end) {
    std::string out;
    std::string_view rest = octets;
    while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n");
        const std::string_view text = rest.substr(0, end);
        out += stuffs && text.starts_with('.') ? "." : "";
        out += text;
        out += line_end;
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    }
    return out + "." + line_end;
}

}  // namespace

FakeOutput FakePop3::Session::on_line(const std::string& line, bool is_followed) {
    server_.commands_.push_back(line);
    if (is_followed && server_.drops_pipelining) {
        return {.bytes = {}, .is_end = true};
    }
    return answer(line);
}

FakeOutput FakePop3::Session::answer(const std::string& line) {
    FakeOutput output;
    const auto rule = std::find_if(
        server_.rules.begin(), server_.rules.end(),
        [&line](const Rule& candidate) { return istarts_with(line, candidate.command); });
    if (rule == server_.rules.end()) {
        output.bytes = usual_answer(line, output);
        return output;
    }
    if (rule->is_usual()) {
        output.bytes = usual_answer(line, output);
    } else if (rule->is_reply) {
        output.bytes = rule->reply;
        awaits_tls_ = iequals(line, "STLS") && istarts_with(rule->reply, "+OK");
    }
    output.is_endless = rule->is_endless;
    output.is_end = output.is_end || rule->is_end;
    output.is_reset = rule->is_reset;
    output.cut_after = rule->cut_after;
    output.late = rule->late;
    output.splits = rule->splits;
    if (rule->times > 0 && --rule->times == 0) {
        server_.rules.erase(rule);
    }
    return output;
}

std::string FakePop3::Session::usual_answer(const std::string& text, FakeOutput& output) {
    std::string_view rest = text;
    const std::string verb(next_word(rest));
    if (verb == "greeting") {
        return line("+OK ready");
    }
    if (verb == "CAPA") {
        return capa();
    }
    if (verb == "QUIT") {
        return quit(output);
    }
    if (verb == "STLS") {
        awaits_tls_ = true;
        return line("+OK");
    }
    if (verb == "USER" || verb == "NOOP" || verb == "UTF8" || verb == "LANG") {
        return line("+OK");
    }
    if (verb == "PASS") {
        return rest == server_.password || rest == " " + server_.password
                   ? log_in()
                   : line("-ERR [AUTH] wrong password");
    }
    if (!is_logged_in_) {
        return line("-ERR not now");
    }
    if (verb == "UIDL" || verb == "LIST") {
        return listing(verb == "UIDL");
    }
    if (verb == "STAT") {
        return line(fmt::format("+OK {} 1000", listed_.size()));
    }
    if (verb == "RETR" || verb == "TOP") {
        return retrieve(rest, verb == "TOP");
    }
    return verb == "DELE" ? remove(rest) : line("-ERR unknown command");
}

std::string FakePop3::Session::log_in() {
    if (server_.in_use > 0) {
        --server_.in_use;
        return line("-ERR [IN-USE] mailbox is locked");
    }
    const MonotonicTime now = server_.loop_.now();
    if (server_.last_login_ && now - *server_.last_login_ < server_.login_delay) {
        return line("-ERR [LOGIN-DELAY] too soon");
    }
    server_.last_login_ = now;
    is_logged_in_ = true;
    listed_ = server_.mailbox;
    listed_.resize(std::min(listed_.size(), server_.window));
    return line("+OK");
}

std::string FakePop3::Session::capa() const {
    if (!server_.has_capa) {
        return line("-ERR unknown command");
    }
    std::string reply = line("+OK");
    for (const std::string& tag : server_.capa) {
        reply += line(tag);
    }
    return reply + line(".");
}

std::string FakePop3::Session::listing(bool uids) const {
    if (uids && !server_.has_uidl) {
        return line("-ERR unknown command");
    }
    std::string reply = line("+OK");
    for (std::size_t i = 0; i < listed_.size(); ++i) {
        const Message& message = listed_[i];
        reply += line(fmt::format(
            "{} {}", i + 1,
            uids ? message.uid
                 : std::to_string(message.listed_size.value_or(message.octets.size()))));
    }
    return reply + line(".");
}

std::string FakePop3::Session::retrieve(std::string_view arguments, bool is_top) {
    const auto number = parse_unsigned(next_word(arguments));
    if (!number || *number == 0 || *number > listed_.size() || deleted_.contains(*number - 1)) {
        return line("-ERR no such message");
    }
    std::string octets = listed_[*number - 1].octets;
    if (is_top && next_word(arguments) == "0") {
        const std::size_t end = octets.find("\r\n\r\n");
        octets.resize(end == std::string::npos ? octets.size() : end + 4);
    }
    if (!is_top) {
        retrieved_.insert(*number - 1);
        if (server_.deletes_on_retr) {
            take_from_mailbox({*number - 1});
        }
    }
    return line("+OK") + multiline(octets, server_.stuffs, server_.line_end);
}

std::string FakePop3::Session::remove(std::string_view arguments) {
    const auto number = parse_unsigned(next_word(arguments));
    if (!number || *number == 0 || *number > listed_.size() ||
        !deleted_.insert(*number - 1).second) {
        return line("-ERR no such message");
    }
    return line("+OK");
}

std::string FakePop3::Session::quit(FakeOutput& output) {
    output.is_end = true;
    std::set<std::size_t> taken = deleted_;
    if (server_.consumes) {
        taken.insert(retrieved_.begin(), retrieved_.end());
    }
    switch (server_.quit) {
        case Quit::deletes:
            take_from_mailbox(taken);
            return line("+OK bye");
        case Quit::keeps:
            return line("+OK bye");
        case Quit::refuses:
            return line("-ERR some deleted messages not removed");
        case Quit::deletes_and_hangs_up:
            take_from_mailbox(taken);
            return {};
    }
    return {};
}

/// Equal UIDs may be equal in all: each takes one.
void FakePop3::Session::take_from_mailbox(const std::set<std::size_t>& indices) {
    for (const std::size_t index : indices) {
        const Message& gone = listed_[index];
        const auto found = std::find_if(
            server_.mailbox.begin(), server_.mailbox.end(), [&gone](const Message& message) {
                return message.uid == gone.uid && message.octets == gone.octets;
            });
        if (found != server_.mailbox.end()) {
            server_.mailbox.erase(found);
        }
    }
}

}  // namespace postrider::test
