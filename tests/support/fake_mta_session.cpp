#include "support/fake_mta_session.h"

#include <algorithm>
#include <utility>

#include "postrider/base/text.h"

namespace postrider::test {

namespace {

/// What stands between the angle brackets.
std::string path_of(const std::string& line) {
    const std::size_t open = line.find('<');
    const std::size_t close = line.find('>', open);
    return open == std::string::npos || close == std::string::npos
               ? std::string()
               : line.substr(open + 1, close - open - 1);
}

}  // namespace

bool FakeMtaContent::is_line_end(char octet) const {
    switch (dialect_) {
        case FakeMta::Dialect::crlf:
            return octet == '\n' && line_.ends_with("\r\n");
        case FakeMta::Dialect::lf:
            return octet == '\n';
        case FakeMta::Dialect::mixed:
            return octet == '\n' || octet == '\r';
    }
    return false;
}

bool FakeMtaContent::take(char octet) {
    ++received_;
    line_ += octet;
    if (!is_line_end(octet)) {
        return false;
    }
    std::string_view text = line_;
    text = text.substr(0, text.find_last_not_of("\r\n") + 1);
    if (dialect_ == FakeMta::Dialect::mixed) {
        text = text.substr(0, text.find('\0'));
        if (octet == '\n' && line_.size() == 1 && octets_.ends_with('\r')) {
            text = "\n";  // the second half of a CRLF, no line of its own
        }
    }
    if (text == "." && !(dialect_ == FakeMta::Dialect::crlf && line_ != ".\r\n")) {
        ended_with_cr_ = octet == '\r';
        return true;
    }
    octets_ += line_.starts_with('.') ? line_.substr(1) : line_;
    line_.clear();
    return false;
}

void FakeMta::Session::greet() {
    if (!answer(Stage::greeting, "220 fake.example")) {
        is_over_ = true;
    }
}

void FakeMta::Session::on_bytes(std::string& inbox) {
    while (!is_over_ && !awaits_tls_ && !inbox.empty()) {
        if (std::exchange(swallows_lf_, false) && inbox.front() == '\n') {
            inbox.erase(0, 1);
        } else if (is_in_chunk_) {
            take_chunk(inbox);
        } else if (content_) {
            std::size_t taken = 0;
            while (content_ && !is_over_ && taken < inbox.size()) {
                on_content_octet(inbox[taken++]);
            }
            inbox.erase(0, taken);
        } else {
            // Whoever takes LF for the end of a line of content does so for commands.
            const bool is_strict = server_.dialect == Dialect::crlf;
            const std::size_t end = inbox.find(is_strict ? "\r\n" : "\n");
            if (end == std::string::npos) {
                return;
            }
            std::string line = inbox.substr(0, end);
            inbox.erase(0, end + (is_strict ? 2 : 1));
            if (line.ends_with('\r')) {
                line.pop_back();
            }
            on_command(line);
        }
    }
}

void FakeMta::Session::on_command(const std::string& line) {
    server_.commands_.push_back(line);
    if (istarts_with(line, server_.is_lmtp ? "LHLO " : "EHLO ")) {
        on_hello();
    } else if (iequals(line, "STARTTLS")) {
        awaits_tls_ = answer(Stage::starttls, "220 go");
    } else if (istarts_with(line, "AUTH ")) {
        answer(Stage::auth, "235 2.7.0 welcome");
    } else if (istarts_with(line, "MAIL FROM:")) {
        on_mail(line);
    } else if (istarts_with(line, "RCPT TO:")) {
        on_rcpt(line);
    } else if (iequals(line, "DATA")) {
        on_data();
    } else if (istarts_with(line, "BDAT ")) {
        on_chunk(std::string_view(line).substr(5));
    } else if (iequals(line, "RSET")) {
        forget_transaction();
        say("250 2.0.0 reset");
    } else if (iequals(line, "QUIT")) {
        say("221 2.0.0 bye");
        is_over_ = true;
    } else {
        say("500 5.5.2 what?");
    }
}

void FakeMta::Session::on_hello() {
    std::string usual = "250-fake.example\r\n";
    for (const std::string& extension : server_.extensions) {
        usual += "250-" + extension + "\r\n";
    }
    forget_transaction();
    answer(Stage::hello, usual + "250 HELP");
}

void FakeMta::Session::on_mail(const std::string& line) {
    sender_ = path_of(line);
    has_mail_ = answer(Stage::mail, "250 2.1.0 ok");
}

void FakeMta::Session::on_rcpt(const std::string& line) {
    const std::string recipient = path_of(line);
    if (!has_mail_) {
        say("503 5.5.1 MAIL first");
    } else if (answer(Stage::rcpt, "250 2.1.5 ok", recipient)) {
        recipients_.push_back(recipient);
    }
}

void FakeMta::Session::on_data() {
    if (recipients_.empty()) {
        say("503 5.5.1 RCPT first");
    } else if (answer(Stage::data, "354 go")) {
        content_.emplace(server_.dialect);
        on_content_octet('\0');
    }
}

void FakeMta::Session::on_chunk(std::string_view arguments) {
    chunk_left_ = parse_unsigned(next_word(arguments)).value_or(0);
    is_last_chunk_ = iequals(trimmed(arguments), "LAST");
    is_in_chunk_ = true;
    std::string nothing;
    take_chunk(nothing);
}

void FakeMta::Session::take_chunk(std::string& inbox) {
    const std::size_t count = std::min(chunk_left_, inbox.size());
    chunks_.append(inbox, 0, count);
    inbox.erase(0, count);
    chunk_left_ -= count;
    if (chunk_left_ > 0) {
        return;
    }
    is_in_chunk_ = false;
    if (is_last_chunk_) {
        on_content_end();
    } else {
        say("250 2.0.0 more");
    }
}

/// The first call, with no octet of the client's yet, only looks for a rule.
void FakeMta::Session::on_content_octet(char octet) {
    const bool is_begin = content_->received() == 0 && octet == '\0';
    const bool has_ended = !is_begin && content_->take(octet);
    const auto acts_now = [&](const Rule& rule) {
        return rule.stage == Stage::content && rule.at_octet == content_->received() &&
               (rule.sender.empty() || rule.sender == sender_);
    };
    if (std::any_of(server_.rules.begin(), server_.rules.end(), acts_now)) {
        const auto rule = take_rule(Stage::content, {});
        if (!rule->reply.empty()) {
            say(rule->reply);
        }
        if (rule->takes_it) {
            std::for_each(recipients_.begin(), recipients_.end(),
                          [this](const std::string& recipient) { keep(recipient); });
        }
        is_over_ = rule->hangs_up;
        return;
    }
    if (has_ended) {
        swallows_lf_ = content_->ended_with_cr();
        on_content_end();
    }
}

void FakeMta::Session::on_content_end() {
    const std::vector<std::string> recipients = recipients_;
    const std::size_t answers = server_.is_lmtp ? recipients.size() : 1;
    for (std::size_t i = 0; i < answers && !is_over_; ++i) {
        const auto rule = take_rule(Stage::final_dot, recipients[i]);
        const std::string reply = !rule                                    ? "250 2.0.0 queued"
                                  : rule->reply.empty() && !rule->hangs_up ? "250 2.0.0 queued"
                                                                           : rule->reply;
        if (!reply.empty()) {
            say(reply);
        }
        if (reply.starts_with('2') || (rule && rule->takes_it)) {
            const std::size_t last = server_.is_lmtp ? i + 1 : recipients.size();
            std::for_each(recipients.begin() + static_cast<std::ptrdiff_t>(i),
                          recipients.begin() + static_cast<std::ptrdiff_t>(last),
                          [this](const std::string& recipient) { keep(recipient); });
        }
        is_over_ = rule && rule->hangs_up;
    }
    const auto after = is_over_ ? std::nullopt : take_rule(Stage::after, {});
    forget_transaction();
    if (after) {
        if (!after->reply.empty()) {
            say(after->reply);
        }
        is_over_ = after->hangs_up;
    }
}

void FakeMta::Session::keep(const std::string& recipient) {
    server_.taken_.push_back(
        {sender_, recipient, content_ ? content_->octets() : chunks_, number_});
}

void FakeMta::Session::forget_transaction() {
    has_mail_ = false;
    sender_.clear();
    recipients_.clear();
    content_.reset();
    chunks_.clear();
}

bool FakeMta::Session::answer(Stage stage, const std::string& usual, const std::string& recipient) {
    const auto rule = take_rule(stage, recipient);
    const std::string reply =
        !rule || (rule->reply.empty() && !rule->hangs_up) ? usual : rule->reply;
    if (!reply.empty()) {
        say(reply);
    }
    is_over_ = rule && rule->hangs_up;
    return reply.starts_with('2') || reply.starts_with('3');
}

std::optional<FakeMta::Rule> FakeMta::Session::take_rule(Stage stage,
                                                         const std::string& recipient) {
    const auto fits =
        std::find_if(server_.rules.begin(), server_.rules.end(), [&](const Rule& rule) {
            return rule.stage == stage && (rule.sender.empty() || rule.sender == sender_) &&
                   (rule.recipient.empty() || rule.recipient == recipient);
        });
    if (fits == server_.rules.end()) {
        return std::nullopt;
    }
    Rule rule = *fits;
    if (fits->times > 0 && --fits->times == 0) {
        server_.rules.erase(fits);
    }
    return rule;
}

}  // namespace postrider::test
