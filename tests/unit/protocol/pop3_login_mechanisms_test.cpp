#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/protocol/sasl/client.h"

#include "pop3_login_script.h"
#include "protocol/sasl/encoding.h"

namespace postrider::pop3 {
namespace {

constexpr const char* kAllMechanisms =
    "USER\r\nSASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS "
    "SCRAM-SHA-256-PLUS EXTERNAL XOAUTH2 OAUTHBEARER NTLM DIGEST-MD5\r\n";

std::string first_word_after(const std::string& command, const std::string& line) {
    EXPECT_EQ(line.substr(0, command.size()), command) << line;
    const std::string rest = line.substr(std::min(line.size(), command.size()));
    return rest.substr(0, rest.find_first_of(" \r"));
}

// P-012, P-013: the strongest that is listed; never APOP, CRAM-MD5, NTLM.
TEST(Pop3LoginMechanisms, AutomaticallyTakesTheStrongestThatIsListed) {
    struct Case {
        const char* capa;
        const char* mechanism;
    };
    for (const Case& c : {Case{kAllMechanisms, "SCRAM-SHA-256"},
                          Case{"SASL LOGIN SCRAM-SHA-1 PLAIN\r\n", "SCRAM-SHA-1"},
                          Case{"SASL LOGIN PLAIN\r\n", "PLAIN"},
                          Case{"SASL NTLM CRAM-MD5 LOGIN DIGEST-MD5\r\n", "LOGIN"}}) {
        Script script = at_login(settings_for(AuthMethod::automatic), c.capa);
        EXPECT_EQ(first_word_after("AUTH ", script.sent()), c.mechanism) << c.capa;
    }
    Script weak = at_login(settings_for(AuthMethod::automatic), "USER\r\nSASL CRAM-MD5 NTLM\r\n");
    EXPECT_EQ(weak.sent(), "USER alice\r\n");
}

// P-015
TEST(Pop3LoginMechanisms, AutomaticallyBindsTheChannelWhereItCan) {
    Script script(settings_for(AuthMethod::automatic));
    script.dialogue().bind_channel({"tls-exporter", "octets"});
    script.server("+OK\r\n");
    (void)script.sent();
    script.server("+OK\r\n" + std::string(kAllMechanisms) + ".\r\n");
    EXPECT_EQ(first_word_after("AUTH ", script.sent()), "SCRAM-SHA-256-PLUS");

    Script unbound = at_login(settings_for(AuthMethod::scram_sha_1_plus), kAllMechanisms);
    EXPECT_EQ(unbound.events(), "[failed config]");
    EXPECT_EQ(unbound.sent(), "");
}

// P-013
TEST(Pop3LoginMechanisms, TakesEveryMechanismThatIsConfiguredAndListed) {
    struct Case {
        AuthMethod auth;
        const char* mechanism;
    };
    for (const Case& c :
         {Case{AuthMethod::plain, "PLAIN"}, Case{AuthMethod::login, "LOGIN"},
          Case{AuthMethod::cram_md5, "CRAM-MD5"}, Case{AuthMethod::scram_sha_1, "SCRAM-SHA-1"},
          Case{AuthMethod::scram_sha_256, "SCRAM-SHA-256"},
          Case{AuthMethod::external, "EXTERNAL"}}) {
        Script listed = at_login(settings_for(c.auth), kAllMechanisms);
        EXPECT_EQ(first_word_after("AUTH ", listed.sent()), c.mechanism);
        Script unlisted = at_login(settings_for(c.auth), "USER\r\nSASL X\r\n");
        EXPECT_EQ(unlisted.events(), "[failed unsupported]") << c.mechanism;
        EXPECT_EQ(unlisted.sent(), "");
    }
}

// P-012: RFC 2195 section 2.
TEST(Pop3LoginMechanisms, AnswersCramMd5) {
    Script script =
        at_login(settings_for(AuthMethod::cram_md5, "tim", "tanstaaftanstaaf"), kAllMechanisms);
    EXPECT_EQ(script.sent(), "AUTH CRAM-MD5\r\n");
    script.server("+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n");
    EXPECT_EQ(script.sent(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n");
    script.server("+OK\r\n");
    expect_logged_in(script);
}

TEST(Pop3LoginMechanisms, AnswersBothQuestionsOfAuthLogin) {
    Script script = at_login(settings_for(AuthMethod::login), kAllMechanisms);
    EXPECT_EQ(script.sent(), "AUTH LOGIN\r\n");
    script.server("+ VXNlcm5hbWU6\r\n");
    EXPECT_EQ(script.sent(), "YWxpY2U=\r\n");
    script.server("+ UGFzc3dvcmQ6\r\n");
    EXPECT_EQ(script.sent(), "YzRuNHJ5\r\n");
    script.server("+OK\r\n");
    expect_logged_in(script);
}

TEST(Pop3LoginMechanisms, ExternalNeedsNoPassword) {
    Script script = at_login(settings_for(AuthMethod::external, "alice", ""), kAllMechanisms);
    EXPECT_EQ(script.sent(), "AUTH EXTERNAL YWxpY2U=\r\n");
    script.server("+OK\r\n");
    expect_logged_in(script);
    Script nobody = at_login(settings_for(AuthMethod::external, "", ""), kAllMechanisms);
    EXPECT_EQ(nobody.sent(), "AUTH EXTERNAL =\r\n");

    Settings automatic = settings_for(AuthMethod::automatic, "alice", "");
    automatic.has_client_certificate = true;
    EXPECT_EQ(at_login(automatic, kAllMechanisms).sent(), "AUTH EXTERNAL YWxpY2U=\r\n");
    Script unlisted = at_login(automatic, "SASL PLAIN\r\n");
    EXPECT_EQ(unlisted.events(), "[failed unsupported]");
}

Settings with_token(AuthMethod auth, std::string token = "t0ken") {
    Settings settings = settings_for(auth, "alice", "");
    settings.token = Secret(std::move(token));
    settings.host = "pop.example";
    settings.port = 995;
    return settings;
}

// two steps, always.
TEST(Pop3LoginMechanisms, SendsTokensInASecondStep) {
    struct Case {
        AuthMethod auth;
        const char* capa;
        const char* command;
    };
    for (const Case& c :
         {Case{AuthMethod::xoauth2, kAllMechanisms, "AUTH XOAUTH2\r\n"},
          Case{AuthMethod::xoauth2, "USER\r\n", "AUTH XOAUTH2\r\n"},
          Case{AuthMethod::oauthbearer, kAllMechanisms, "AUTH OAUTHBEARER\r\n"},
          Case{AuthMethod::automatic, kAllMechanisms, "AUTH OAUTHBEARER\r\n"},
          Case{AuthMethod::automatic, "SASL PLAIN XOAUTH2\r\n", "AUTH XOAUTH2\r\n"}}) {
        for (const std::string& token : {std::string("t"), std::string(sasl::kMaxToken, 't')}) {
            Script script = at_login(with_token(c.auth, token), c.capa);
            EXPECT_EQ(script.sent(), c.command);
            script.server("+ \r\n");
            EXPECT_GT(script.sent().size(), token.size());
            script.server("+OK\r\n");
            expect_logged_in(script);
        }
    }
}

// P-013, Q-008
TEST(Pop3LoginMechanisms, TakesNoTokenWhereNobodyAsksForOne) {
    Script automatic = at_login(with_token(AuthMethod::automatic), "SASL PLAIN\r\n");
    EXPECT_EQ(automatic.events(), "[failed unsupported]");
    Script oauthbearer = at_login(with_token(AuthMethod::oauthbearer), "SASL XOAUTH2\r\n");
    EXPECT_EQ(oauthbearer.events(), "[failed unsupported]");
    Settings clear = with_token(AuthMethod::xoauth2);
    clear.encrypted = false;
    Script unlisted(clear);
    unlisted.dialogue().allow_cleartext();
    unlisted.server("+OK\r\n");
    (void)unlisted.sent();
    unlisted.server("+OK\r\nUSER\r\n.\r\n");
    EXPECT_EQ(unlisted.events(), "[failed unsupported]");
    Script none = at_login(settings_for(AuthMethod::xoauth2), kAllMechanisms);
    EXPECT_EQ(none.events(), "[failed config]");
    Script too_long = at_login(
        with_token(AuthMethod::xoauth2, std::string(sasl::kMaxToken + 1, 't')), kAllMechanisms);
    EXPECT_EQ(too_long.events(), "[failed config]");
    EXPECT_EQ(
        automatic.sent() + oauthbearer.sent() + unlisted.sent() + none.sent() + too_long.sent(),
        "");
}

//
TEST(Pop3LoginMechanisms, ReadsAndAnswersTheErrorOfAFailedToken) {
    struct Case {
        AuthMethod auth;
        const char* answer;
    };
    for (const Case& c :
         {Case{AuthMethod::xoauth2, "\r\n"}, Case{AuthMethod::oauthbearer, "AQ==\r\n"}}) {
        Script script = at_login(with_token(c.auth), kAllMechanisms);
        (void)script.sent();
        script.server("+\r\n");
        (void)script.sent();
        // {"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}
        script.server(
            "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xl"
            "LmNvbS8ifQ==\r\n");
        EXPECT_EQ(script.sent(), c.answer);
        script.server("-ERR [AUTH] invalid credentials\r\n");
        EXPECT_EQ(script.events(), "[failed login-refused]");
        EXPECT_NE(script.error().text.find("status 401, scope https://mail.google.com/"),
                  std::string::npos)
            << script.error().text;
        EXPECT_NE(script.error().text.find("check user and token"), std::string::npos);

        Script busy = at_login(with_token(c.auth), kAllMechanisms);
        (void)busy.sent();
        busy.server("+\r\n");
        busy.server("+ eyJzdGF0dXMiOiI1MDMifQ==\r\n");
        busy.server("-ERR no\r\n");
        EXPECT_EQ(busy.events(), "[failed busy]");
        EXPECT_EQ(busy.error().retry, Retry::later);

        Script yes = at_login(with_token(c.auth), kAllMechanisms);
        (void)yes.sent();
        yes.server("+\r\n");
        yes.server("+ eyJzdGF0dXMiOiI0MDEifQ==\r\n");
        yes.server("+OK\r\n");
        EXPECT_EQ(yes.events(), "[failed protocol]");
    }
}

// P-012: RFC 1939 section 7, and the form that the timestamp must have (CVE-2007-1558).
TEST(Pop3LoginMechanisms, ApopAnswersTheTimestampOfTheGreeting) {
    const auto greeted = [](const std::string& greeting) {
        Script script(settings_for(AuthMethod::apop, "mrose", "tanstaaf"));
        script.server("+OK " + greeting + "\r\n");
        (void)script.sent();
        script.server("+OK\r\nUSER\r\n.\r\n");
        return script;
    };
    Script script = greeted("POP3 server ready <1896.697170952@dbc.mtview.ca.us>");
    EXPECT_EQ(script.sent(), "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
    script.server("+OK\r\n");
    expect_logged_in(script);

    for (const char* const odd :
         {"ready", "<>", "<@>", "<a@>", "<@b>", "<ab>", "<a@b", "a@b>", "> <a@b", "<a b@c>",
          "<a@b@c>", "<a@<b>", "<a@\x01z>", "<\xc3\xa4@b>"}) {
        Script refused = greeted(odd);
        EXPECT_EQ(refused.events(), "[failed unsupported]") << odd;
        EXPECT_EQ(refused.sent(), "");
    }
}

// P-009, P-012
TEST(Pop3LoginMechanisms, ApopTrustsNoGreetingFromBeforeTls) {
    Settings settings = settings_for(AuthMethod::apop);
    settings.encrypted = false;
    settings.use_stls = true;
    Script script(settings);
    script.server("+OK <1@a>\r\n");
    script.server("+OK\r\nSTLS\r\n.\r\n");
    script.server("+OK\r\n");
    script.dialogue().tls_started();
    (void)script.sent();
    script.server("+OK\r\nUSER\r\n.\r\n");
    EXPECT_EQ(script.events(), "[tls][failed unsupported]");
    EXPECT_EQ(script.sent(), "");
}

/// A server's side of SCRAM for alice with the password c4n4ry: it lets the client's own machinery
/// derive what it knows.
std::string server_first_for(const std::string& auth_line) {
    const std::string first(
        sasl::from_base64(
            auth_line.substr(auth_line.rfind(' ') + 1, auth_line.size() - auth_line.rfind(' ') - 3))
            ->reveal());
    return first.substr(first.find("r=")) + "srv,s=c2FsdA==,i=4096";
}

std::string line_of(std::string_view message) {
    return "+ " + std::string(sasl::to_base64(message).reveal()) + "\r\n";
}

// P-015: the key is derived elsewhere; until then nothing that comes is an answer.
TEST(Pop3LoginMechanisms, ScramLetsTheKeyBeDerivedElsewhere) {
    Script script = at_login(settings_for(AuthMethod::automatic), "SASL SCRAM-SHA-256\r\n");
    const std::string first = server_first_for(script.sent());
    script.server(line_of(first));
    EXPECT_EQ(script.events(), "[key]");
    EXPECT_EQ(script.sent(), "");
    EXPECT_EQ(script.dialogue().phase(), Phase::login);
    EXPECT_EQ(script.key_request().iterations, 4096U);
    EXPECT_EQ(script.key_request().salt, "salt");
    script.dialogue().key_derived(sasl::derive_key(script.key_request()));
    const std::string proof = script.sent();
    EXPECT_EQ(sasl::from_base64(proof.substr(0, proof.size() - 2))->reveal().substr(0, 9),
              "c=biws,r=");
    script.server(line_of("v=AAAA"));
    EXPECT_EQ(script.sent(), "*\r\n");
    script.server("-ERR\r\n");
    EXPECT_EQ(script.events(), "[failed protocol]");
    EXPECT_NE(script.error().text.find("does not know the password"), std::string::npos);

    Script early = at_login(settings_for(AuthMethod::automatic), "SASL SCRAM-SHA-256\r\n");
    early.server(line_of(server_first_for(early.sent())) + "+OK\r\n");
    EXPECT_EQ(early.events(), "[failed protocol]");
    early.dialogue().key_derived(Secret(std::string(32, 'k')));
    EXPECT_EQ(early.sent(), "");
}

// P-015: a yes without the proof is no yes.
TEST(Pop3LoginMechanisms, ScramBelievesNoServerThatHasNotProvedItself) {
    Script script = at_login(settings_for(AuthMethod::automatic), "SASL SCRAM-SHA-256\r\n");
    (void)script.sent();
    script.server("+OK welcome\r\n");
    EXPECT_EQ(script.events(), "[failed protocol]");

    Script bomb = at_login(settings_for(AuthMethod::automatic), "SASL SCRAM-SHA-1\r\n");
    std::string first = server_first_for(bomb.sent());
    first.replace(first.find("i=4096"), 6, "i=2147483648");
    bomb.server(line_of(first));
    EXPECT_EQ(bomb.sent(), "*\r\n");
    EXPECT_EQ(bomb.events(), "");
}

}  // namespace
}  // namespace postrider::pop3
