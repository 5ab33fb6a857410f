#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "postrider/protocol/pop3/transcript.h"

#include "pop3_login_script.h"
#include "protocol/sasl/encoding.h"

namespace postrider::pop3 {
namespace {

/// Keeps what is told: "C:", "S:" and "--" lines.
class Heard final : public Transcript {
  public:
    [[nodiscard]] bool is_wanted() const override { return wanted; }
    void client(std::string_view line) override { add("C: ", line); }
    void server(std::string_view line) override { add("S: ", line); }
    void note(std::string_view line) override { add("-- ", line); }

    bool wanted = true;
    std::string text;

  private:
    void add(std::string_view who, std::string_view line) {
        text.append(who).append(line).append("\n");
    }
};

Settings heard_by(Heard& heard, AuthMethod auth) {
    Settings settings = settings_for(auth);
    settings.transcript = &heard;
    return settings;
}

void expect_nothing_secret(const std::string& text) {
    EXPECT_EQ(text.find(kCanary), std::string::npos) << text;
    EXPECT_EQ(text.find(kPlainResponse), std::string::npos) << text;
    EXPECT_EQ(text.find(std::string(sasl::to_base64(kCanary).reveal())), std::string::npos) << text;
}

//
TEST(Pop3Transcript, TellsASessionWithoutThePassword) {
    Heard heard;
    Script script = at_login(heard_by(heard, AuthMethod::user), "USER\r\n");
    EXPECT_EQ(script.sent(), "USER alice\r\n");
    script.server("+OK\r\n");
    EXPECT_EQ(script.sent(), "PASS c4n4ry\r\n");
    script.server("+OK welcome c4n4ry\r\n");
    expect_logged_in(script);
    script.dialogue().list();
    (void)script.sent();
    script.server("+OK\r\n1 uid-1\r\n.\r\n");
    (void)script.sent();
    script.server("+OK\r\n1 20\r\n.\r\n");
    script.dialogue().retr(1);
    (void)script.sent();
    script.server("+OK\r\nSubject: private\r\n\r\nx\r\n.\r\n");
    script.dialogue().quit();
    (void)script.sent();
    script.server("+OK bye\r\n");
    EXPECT_EQ(heard.text,
              "S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .\n"
              "C: USER alice\nS: +OK\nC: PASS ****\n"
              "S: (not shown: it repeats the password)\n"
              "C: CAPA\nS: +OK\nS: .\n"
              "C: UIDL\nS: +OK\nS: 1 uid-1\nS: .\nC: LIST\nS: +OK\nS: 1 20\nS: .\n"
              "C: RETR 1\nS: +OK\nS: (message of 23 octets)\n"
              "C: QUIT\nS: +OK bye\n");
}

// what is withheld depends on where in the protocol it stands.
TEST(Pop3Transcript, WithholdsProofsOfEveryMechanism) {
    struct Case {
        AuthMethod auth;
        const char* capa;
        const char* challenge;
        const char* shown;
    };
    for (const Case& c : {
             Case{AuthMethod::plain, "SASL PLAIN\r\n", nullptr, "C: AUTH PLAIN ****\n"},
             Case{AuthMethod::login, "SASL LOGIN\r\n", "+ VXNlcm5hbWU6\r\n",
                  "C: AUTH LOGIN\nS: + ****\nC: ****\n"},
             Case{AuthMethod::cram_md5, "SASL CRAM-MD5\r\n", "+ PDE+\r\n",
                  "C: AUTH CRAM-MD5\nS: + ****\nC: ****\n"},
             Case{AuthMethod::scram_sha_256, "SASL SCRAM-SHA-256\r\n", nullptr,
                  "C: AUTH SCRAM-SHA-256 ****\n"},
         }) {
        Heard heard;
        Script script = at_login(heard_by(heard, c.auth), c.capa);
        (void)script.sent();
        if (c.challenge != nullptr) {
            script.server(c.challenge);
            (void)script.sent();
        }
        EXPECT_TRUE(heard.text.ends_with(c.shown)) << heard.text;
        expect_nothing_secret(heard.text);
    }
    Heard heard;
    Script apop(heard_by(heard, AuthMethod::apop));
    apop.server("+OK <1.2@x>\r\n");
    (void)apop.sent();
    apop.server("-ERR\r\n");
    (void)apop.sent();
    EXPECT_TRUE(heard.text.ends_with("C: APOP ****\n")) << heard.text;
}

TEST(Pop3Transcript, EscapesTheServer) {
    Heard heard;
    Script script(heard_by(heard, AuthMethod::user));
    script.server("+OK \x1b[2J\r\n");
    EXPECT_TRUE(heard.text.starts_with("S: +OK \\x1b[2J\n")) << heard.text;
}

TEST(Pop3Transcript, NothingIsToldWhereNobodyListens) {
    Heard heard;
    heard.wanted = false;
    Script script = at_login(heard_by(heard, AuthMethod::user), "USER\r\n");
    (void)script.sent();
    EXPECT_EQ(heard.text, "");
}

}  // namespace
}  // namespace postrider::pop3
