#include "support/pop3_scenario.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "postrider/base/text.h"

#include "support/mail_samples.h"

namespace postrider::test {

namespace {

/// "\r", "\n", "\xNN" and "\\" in the words of a scenario.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char kind = text[++i];
        if (kind == 'x' && i + 2 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += kind == 'r' ? '\r' : kind == 'n' ? '\n' : kind;
        }
    }
    return out;
}

std::size_t count_of(std::string_view text) {
    const auto count = parse_unsigned(trimmed(text));
    EXPECT_TRUE(count) << "no number: " << text;
    return count.value_or(0);
}

Duration duration_of(std::string_view text) {
    const auto duration = parse_duration(trimmed(text));
    EXPECT_TRUE(duration) << "no duration: " << text;
    return duration.value_or(Duration::zero());
}

}  // namespace

Pop3Scenario::Pop3Scenario() {
    policy_.account = "alice";
    policy_.recipients = {*mail::Address::parse("alice@localhost")};
    settings_.endpoint = {"pop.example.net", 110, ""};
    settings_.tls = source::TlsMode::none;
    settings_.allow_cleartext = true;
    settings_.tls_settings = {"pop.example.net", "", "account alice"};
    settings_.user = "alice";
    settings_.password = Secret("secret");
}

Pop3Scenario::~Pop3Scenario() {
    account_poll_.reset();
    loop_.run_until_idle();  // what it left to be deleted refers to the rest
}

void Pop3Scenario::play(const std::string& path) {
    std::ifstream file(path);
    ASSERT_TRUE(file) << path;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        const testing::ScopedTrace trace(path.c_str(), number, line);
        const std::string_view text = trimmed(line);
        if (!text.empty() && !text.starts_with('#')) {
            play_line(text);
        }
    }
}

void Pop3Scenario::play_line(std::string_view line) {
    std::string_view rest = line;
    const std::string_view verb = next_word(rest);
    rest = trimmed(rest);
    bool is_known = true;
    if (verb == "server") {
        is_known = play_server(rest);
    } else if (verb == "account") {
        is_known = play_account(rest);
    } else if (verb == "destination") {
        is_known = play_destination(rest);
    } else if (verb == "expect") {
        is_known = play_expect(rest);
    } else if (verb == "poll") {
        poll();
    } else if (verb == "wait") {
        loop_.advance(duration_of(rest));
    } else {
        is_known = play_mailbox(verb, rest);
    }
    EXPECT_TRUE(is_known) << "means nothing";
}

bool Pop3Scenario::play_server(std::string_view wish) {
    std::string_view rest = wish;
    const std::string_view word = next_word(rest);
    rest = trimmed(rest);
    if (word == "capa") {
        if (rest == "unknown") {
            server_.has_capa = false;
        } else {
            server_.capa.emplace_back(rest);
        }
    } else if (word == "window") {
        server_.window = count_of(rest);
    } else if (word == "login-delay") {
        server_.login_delay = duration_of(rest);
        server_.capa.push_back(
            "LOGIN-DELAY " +
            std::to_string(
                std::chrono::duration_cast<std::chrono::seconds>(server_.login_delay).count()));
    } else if (word == "in-use") {
        server_.in_use = count_of(rest);
    } else if (word == "pieces") {
        server_.piece = count_of(next_word(rest));
        server_.pause = trimmed(rest).empty() ? Duration::zero() : duration_of(rest);
    } else if (word == "on") {
        return play_rule(rest);
    } else {
        return play_server_vice(word, rest);
    }
    return true;
}

bool Pop3Scenario::play_server_vice(std::string_view word, std::string_view rest) {
    const std::pair<std::string_view, bool*> vices[] = {
        {"consumes", &server_.consumes},
        {"deletes-on-retr", &server_.deletes_on_retr},
        {"drops-pipelining", &server_.drops_pipelining}};
    for (const auto& [name, flag] : vices) {
        if (word == name) {
            *flag = true;
            return rest.empty();
        }
    }
    if (word == "no-uidl") {
        server_.has_uidl = false;
        std::erase(server_.capa, "UIDL");
    } else if (word == "ends-lines-in-lf") {
        server_.line_end = "\n";
    } else if (word == "does-not-stuff") {
        server_.stuffs = false;
    } else if (word == "quit") {
        const std::map<std::string_view, FakePop3::Quit> kinds = {
            {"deletes", FakePop3::Quit::deletes},
            {"keeps", FakePop3::Quit::keeps},
            {"refuses", FakePop3::Quit::refuses},
            {"deletes-and-hangs-up", FakePop3::Quit::deletes_and_hangs_up}};
        const auto kind = kinds.find(rest);
        if (kind == kinds.end()) {
            return false;
        }
        server_.quit = kind->second;
    } else {
        return false;
    }
    return true;
}

/// "COMMAND [N times]: reply TEXT | bytes TEXT | endless TEXT | close | reset | silence | cut N |
/// late D | split N... | nothing-odd"
bool Pop3Scenario::play_rule(std::string_view rest) {
    const std::size_t colon = rest.find(": ");
    if (colon == std::string_view::npos) {
        return false;
    }
    FakePop3::Rule rule;
    rule.command = rest.substr(0, colon);
    if (const std::size_t once = rule.command.find(" once"); once != std::string::npos) {
        rule.command.resize(once);
        rule.times = 1;
    }
    std::string_view action = rest.substr(colon + 2);
    const std::string_view kind = next_word(action);
    if (!action.empty()) {
        action.remove_prefix(1);
    }
    if (kind == "nothing-odd") {
        std::erase_if(server_.rules,
                      [&rule](const FakePop3::Rule& one) { return one.command == rule.command; });
        return true;
    }
    rule.is_reply = kind == "reply" || kind == "bytes" || kind == "endless";
    rule.reply = unescaped(action) + (kind == "reply" ? "\r\n" : "");
    rule.is_endless = kind == "endless";
    rule.is_end = kind == "close";
    rule.is_reset = kind == "reset";
    rule.is_silent = kind == "silence";
    if (kind == "cut") {
        rule.cut_after = count_of(action);
    } else if (kind == "late") {
        rule.late = duration_of(action);
    } else if (kind == "split") {
        for (auto word = next_word(action); !word.empty(); word = next_word(action)) {
            rule.splits.push_back(count_of(word));
        }
    }
    server_.rules.push_back(rule);
    return rule.is_reply || rule.is_end || rule.is_reset || rule.is_silent || rule.is_usual();
}

bool Pop3Scenario::play_mailbox(std::string_view verb, std::string_view rest) {
    if (verb == "mails") {
        const std::size_t count = count_of(next_word(rest));
        const std::size_t octets = trimmed(rest).empty() ? 200 : count_of(rest);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string name = "m" + std::to_string(++mails_);
            server_.mailbox.push_back({name, plain_mail(name, octets)});
        }
    } else if (verb == "mail") {
        const std::string uid = unescaped(next_word(rest));
        const std::string name = "m" + std::to_string(++mails_);
        const std::string_view text = trimmed(rest);
        server_.mailbox.push_back(
            {uid == "-" ? "" : uid, text.empty() ? plain_mail(name) : unescaped(text)});
    } else if (verb == "listed-size") {
        server_.mailbox.back().listed_size = count_of(rest);
    } else if (verb == "reverse") {
        std::reverse(server_.mailbox.begin(), server_.mailbox.end());
    } else if (verb == "rename") {
        for (FakePop3::Message& message : server_.mailbox) {
            message.uid = "new-" + message.uid;
        }
    } else if (verb == "forget") {
        server_.mailbox.clear();
    } else {
        return false;
    }
    return true;
}

bool Pop3Scenario::play_account(std::string_view wish) {
    std::string_view rest = wish;
    const std::string_view word = next_word(rest);
    rest = trimmed(rest);
    if (word == "deletes") {
        policy_.delete_after = rest == "now" ? Duration::zero() : duration_of(rest);
    } else if (word == "keeps") {
        policy_.delete_after.reset();
    } else if (word == "max-message-size") {
        policy_.max_message_size = count_of(rest);
        settings_.max_message_size = policy_.max_message_size;
    } else if (word == "max-messages") {
        policy_.max_messages_per_poll = count_of(rest);
    } else if (word == "commits-every") {
        policy_.commit_every.messages = count_of(rest);
    } else if (word == "begins-with" && rest == "new") {
        policy_.initial.kind = engine::Initial::Kind::none;
    } else if (word == "newest-first") {
        policy_.order = engine::Order::newest;
    } else if (word == "consumes") {
        settings_.consumes = rest == "no" ? source::Consumes::no : source::Consumes::yes;
    } else if (word == "fetches-with-top") {
        settings_.fetch_with_top = true;
    } else if (word == "uses-stls") {
        settings_.tls = source::TlsMode::starttls;
    } else if (word == "logs-in-by") {
        return choose_login(rest);
    } else if (word == "token") {
        settings_.fetch_token = [token = std::string(rest)] { return Secret(token); };
        settings_.password = {};
    } else if (word == "accepts-new-uids") {
        policy_.accept_new_uids = true;
    } else {
        return false;
    }
    return true;
}

bool Pop3Scenario::choose_login(std::string_view name) {
    const std::map<std::string_view, pop3::AuthMethod> methods = {
        {"auto", pop3::AuthMethod::automatic},
        {"user", pop3::AuthMethod::user},
        {"apop", pop3::AuthMethod::apop},
        {"plain", pop3::AuthMethod::plain},
        {"login", pop3::AuthMethod::login},
        {"cram-md5", pop3::AuthMethod::cram_md5},
        {"scram-sha-256", pop3::AuthMethod::scram_sha_256},
        {"xoauth2", pop3::AuthMethod::xoauth2},
        {"oauthbearer", pop3::AuthMethod::oauthbearer}};
    const auto method = methods.find(name);
    if (method == methods.end()) {
        return false;
    }
    settings_.auth = method->second;
    return true;
}

bool Pop3Scenario::play_destination(std::string_view wish) {
    std::string_view rest = wish;
    const std::string_view word = next_word(rest);
    const std::string subject(trimmed(rest));
    if (word == "puts-off") {
        sink_.answer(subject, put_off());
    } else if (word == "refuses") {
        sink_.answer(subject, refused(550));
    } else if (word == "accepts") {
        sink_.clear_script();
    } else {
        return false;
    }
    return true;
}

bool Pop3Scenario::play_expect(std::string_view wish) {
    std::string_view rest = wish;
    const std::string_view word = next_word(rest);
    rest = trimmed(rest);
    if (word == "error" || word == "no-error" || word == "text") {
        return report_ && (word == "no-error" ? expect_error({}) : expect_error(wish));
    }
    if (word == "on-server") {
        EXPECT_EQ(server_.mailbox.size(), count_of(rest));
        return true;
    }
    if (word == "accepted") {
        EXPECT_EQ(sink_.accepted().size(), count_of(rest));
        return true;
    }
    if (word == "sent" || word == "never-sent") {
        const bool was_sent =
            std::any_of(server_.commands().begin(), server_.commands().end(),
                        [rest](const std::string& line) { return istarts_with(line, rest); });
        EXPECT_EQ(was_sent, word == "sent");
        return true;
    }
    if (word == "connections") {
        EXPECT_EQ(server_.connections(), count_of(rest));
        return true;
    }
    if (!report_) {
        return false;
    }
    const std::map<std::string_view, std::size_t> counts = {
        {"delivered", report_->delivered}, {"held", report_->held},
        {"removed", report_->removed},     {"kept", report_->kept},
        {"skipped", report_->skipped},     {"oversize", report_->oversize},
        {"left", report_->left},           {"put-off", report_->put_off},
        {"sessions", report_->sessions},   {"without-uid", report_->without_uid},
        {"listed", report_->listed},       {"fetch-refused", report_->fetch_refused}};
    const auto count = counts.find(word);
    if (count == counts.end()) {
        return false;
    }
    EXPECT_EQ(count->second, count_of(rest)) << report_->last_trouble;
    return true;
}

/// "error CODE", "text WORDS", or nothing: there was none.
bool Pop3Scenario::expect_error(std::string_view rest) {
    const std::string_view what = next_word(rest);
    rest = trimmed(rest);
    if (what.empty()) {
        EXPECT_FALSE(report_->error) << report_->error->text;
        return true;
    }
    if (!report_->error) {
        ADD_FAILURE() << "there was no error";
        return true;
    }
    if (what == "error") {
        EXPECT_EQ(to_text(report_->error->code), rest) << report_->error->text;
    } else {
        EXPECT_NE(to_lower(report_->error->text).find(to_lower(rest)), std::string::npos)
            << report_->error->text;
    }
    return true;
}

void Pop3Scenario::poll() {
    report_.reset();
    source_ = source::make_pop3_source(loop_, worker_, server_, settings_);
    account_poll_ =
        std::make_unique<engine::AccountPoll>(services_, *source_, destination_, policy_);
    account_poll_->start([](const engine::PollReport&) {},
                         [this](engine::PollReport done) {
                             report_ = std::move(done);
                             loop_.defer_delete(std::move(account_poll_));
                         });
    EXPECT_TRUE(loop_.run_until([this] { return report_.has_value(); }, std::chrono::hours(4)))
        << "the poll has no end";
    account_poll_.reset();
    loop_.run_until_idle();
    EXPECT_EQ(memory_.used(), 0U);
}

}  // namespace postrider::test
