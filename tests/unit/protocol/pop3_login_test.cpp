#include <string>

#include <gtest/gtest.h>

#include "postrider/protocol/pop3/dialogue.h"
#include "postrider/protocol/sasl/client.h"

#include "pop3_login_script.h"
#include "protocol/pop3/login_choice.h"

namespace postrider::pop3 {
namespace {

TEST(Pop3Login, PrefersAuthPlainWhereItIsListed) {
    Script script = at_login(settings_for(AuthMethod::automatic), "USER\r\nSASL plain\r\n");
    EXPECT_EQ(script.sent(), std::string("AUTH PLAIN ") + kPlainResponse + "\r\n");
    script.server("+OK\r\n");
    expect_logged_in(script);
}

TEST(Pop3Login, TakesUserAndPassElse) {
    for (const char* capa : {"USER\r\n", "TOP\r\n", "SASL XPLAIN\r\n", ""}) {
        Script script = at_login(settings_for(AuthMethod::automatic), capa);
        EXPECT_EQ(script.sent(), "USER alice\r\n") << capa;
        script.server("+OK\r\n");
        EXPECT_EQ(script.sent(), "PASS c4n4ry\r\n");
        script.server("+OK\r\n");
        expect_logged_in(script);
    }
}

// P-013: what the server lists must not choose for us.
TEST(Pop3Login, RefusesAConfiguredMethodThatIsNotListed) {
    struct Case {
        AuthMethod auth;
        const char* capa;
    };
    for (const Case& c : {Case{AuthMethod::plain, "USER\r\nSASL XPLAIN PLAINX\r\n"},
                          Case{AuthMethod::plain, ""}, Case{AuthMethod::user, "SASL PLAIN\r\n"}}) {
        Script script = at_login(settings_for(c.auth), c.capa);
        EXPECT_EQ(script.events(), "[failed unsupported]") << c.capa;
        EXPECT_EQ(script.sent(), "");
        EXPECT_EQ(script.error().retry, Retry::never);
    }
}

// P-013: a server older than CAPA has USER.
TEST(Pop3Login, TakesUserAsConfiguredWhereCapaIsUnknown) {
    Script script = at_login(settings_for(AuthMethod::user), "");
    EXPECT_EQ(script.sent(), "USER alice\r\n");
}

// P-016
TEST(Pop3Login, RefusesOctetsThatNoCommandCanCarry) {
    for (const std::string& bad : {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3),
                                   std::string("a\r\nDELE 1"), std::string()}) {
        for (const AuthMethod auth : {AuthMethod::automatic, AuthMethod::plain, AuthMethod::user}) {
            for (const auto& settings :
                 {settings_for(auth, bad), settings_for(auth, "alice", bad)}) {
                Script script = at_login(settings, "USER\r\nSASL PLAIN\r\n");
                EXPECT_EQ(script.events(), "[failed config]") << escaped(bad);
                EXPECT_EQ(script.sent(), "");
            }
        }
    }
}

// P-016
TEST(Pop3Login, SendsPasswordsWithInnerBlanksByPass) {
    Script script = at_login(settings_for(AuthMethod::user, "al ice", "a  b"), "USER\r\n");
    EXPECT_EQ(script.sent(), "USER al ice\r\n");
    script.server("+OK\r\n");
    EXPECT_EQ(script.sent(), "PASS a  b\r\n");
}

// P-016: neither the end of the line nor the charset may change what is meant.
TEST(Pop3Login, RefusesUserAndPassWhereTheyAreAmbiguous) {
    for (const auto& settings :
         {settings_for(AuthMethod::user, " alice"), settings_for(AuthMethod::user, "alice", "x "),
          settings_for(AuthMethod::user, "alice", "\tx"),
          settings_for(AuthMethod::user, "\xc3\xa4"),
          settings_for(AuthMethod::user, "alice", "\xe4")}) {
        Script script = at_login(settings, "USER\r\nSASL PLAIN\r\n");
        EXPECT_EQ(script.events(), "[failed unsupported]");
        EXPECT_EQ(script.sent(), "");
        EXPECT_NE(script.error().text.find("set auth to plain"), std::string::npos);
    }
}

// P-016, RFC 6856 section 2.1
TEST(Pop3Login, SendsNonAsciiByUserWhereTheServerSaysSo) {
    Script script = at_login(settings_for(AuthMethod::user, "\xc3\xa4"), "USER\r\nUTF8 USER\r\n");
    EXPECT_EQ(script.sent(), "USER \xc3\xa4\r\n");
}

// P-016: no better way is there, and the configuration says so.
TEST(Pop3Login, SendsNonAsciiAsItIsOnRequestWhereThereIsNoPlain) {
    Script asked = at_login(settings_for(AuthMethod::user, "alice", "gr\xfcn"), "USER\r\n");
    EXPECT_EQ(asked.sent(), "USER alice\r\n");
    asked.server("+OK\r\n");
    EXPECT_EQ(asked.sent(), "PASS gr\xfcn\r\n");
    Script unasked = at_login(settings_for(AuthMethod::automatic, "alice", "gr\xfcn"), "USER\r\n");
    EXPECT_EQ(unasked.events(), "[failed unsupported]");
    EXPECT_EQ(unasked.sent(), "");
    EXPECT_NE(unasked.error().text.find("set auth to user"), std::string::npos);
}

// P-016, RFC 2449 section 4: a command line has 255 octets with its CRLF.
TEST(Pop3Login, SendsNoUserOrPassLineOverTheLimit) {
    const std::string longest(kMaxCommandLine - 7, 'u');
    Script fits = at_login(settings_for(AuthMethod::user, longest, longest), "USER\r\n");
    EXPECT_EQ(fits.sent().size(), kMaxCommandLine);
    fits.server("+OK\r\n");
    EXPECT_EQ(fits.sent().size(), kMaxCommandLine);
    for (const auto& settings : {settings_for(AuthMethod::user, longest + "u"),
                                 settings_for(AuthMethod::user, "alice", longest + "u"),
                                 settings_for(AuthMethod::automatic, "alice", longest + "u")}) {
        Script over = at_login(settings, "USER\r\n");
        EXPECT_EQ(over.events(), "[failed unsupported]");
        EXPECT_EQ(over.sent(), "");
    }
}

// P-016, RFC 5034 section 4
TEST(Pop3Login, SendsALongPlainResponseInASecondStep) {
    // 178 octets: 240 in base64, 253 with "AUTH PLAIN " and CRLF; three more are 257.
    const std::string fitting(180 - 2 - 5, 'p');
    Script one = at_login(settings_for(AuthMethod::plain, "alice", fitting), "SASL PLAIN\r\n");
    EXPECT_EQ(one.sent().size(), 253U);

    Script two =
        at_login(settings_for(AuthMethod::plain, "alice", fitting + "p"), "SASL PLAIN\r\n");
    EXPECT_EQ(two.sent(), "AUTH PLAIN\r\n");
    two.server("+ \r\n");
    EXPECT_EQ(two.sent().size(), 244U + 2U);
    two.server("+OK\r\n");
    expect_logged_in(two);
}

TEST(Pop3Login, IsNotInBeforeTheCredentialsWereSent) {
    Script script =
        at_login(settings_for(AuthMethod::plain, "alice", std::string(300, 'p')), "SASL PLAIN\r\n");
    EXPECT_EQ(script.sent(), "AUTH PLAIN\r\n");
    script.server("+OK\r\n");
    EXPECT_EQ(script.events(), "[failed protocol]");
}

// P-014: all ways to begin the second step, and challenges that cannot be answered.
TEST(Pop3Login, CancelsOnAChallengeItCannotAnswer) {
    const Settings long_one = settings_for(AuthMethod::plain, "alice", std::string(300, 'p'));
    for (const char* good : {"+\r\n", "+ \r\n", "+  \r\n"}) {
        Script script = at_login(long_one, "SASL PLAIN\r\n");
        (void)script.sent();
        script.server(good);
        EXPECT_GT(script.sent().size(), 400U);
    }
    for (const std::string& bad : {std::string("+ !!!\r\n"), std::string("+ aGVsbG8=\r\n"),
                                   "+ " + std::string(sasl::kMaxChallenge + 1, 'A') + "\r\n"}) {
        Script script = at_login(long_one, "SASL PLAIN\r\n");
        (void)script.sent();
        script.server(bad);
        EXPECT_EQ(script.events(), "");
        EXPECT_EQ(script.sent(), "*\r\n");
        script.server("-ERR cancelled\r\n");
        EXPECT_EQ(script.events(), "[failed protocol]");
        EXPECT_NE(script.error().text.find("challenge"), std::string::npos);
        EXPECT_EQ(script.sent(), "");
    }
}

// P-014: no second look at the password.
TEST(Pop3Login, CancelsWhenAskedAgain) {
    Script script = at_login(settings_for(AuthMethod::plain), "SASL PLAIN\r\n");
    (void)script.sent();
    script.server("+ \r\n");
    EXPECT_EQ(script.sent(), "*\r\n");
    script.server("+OK welcome\r\n");
    EXPECT_EQ(script.events(), "[failed protocol]");
}

// P-014
TEST(Pop3Login, FailsOnWhatIsNoReply) {
    for (const char* line : {"334\r\n", "334-\r\n", "334 \r\n", "* OK\r\n", "\r\n", "+OKAY\r\n"}) {
        Script script = at_login(settings_for(AuthMethod::plain), "SASL PLAIN\r\n");
        (void)script.sent();
        script.server(line);
        EXPECT_EQ(script.events(), "[failed protocol]") << line;
    }
    Script user = at_login(settings_for(AuthMethod::user), "USER\r\n");
    (void)user.sent();
    user.server("+ YQ==\r\n");
    EXPECT_EQ(user.events(), "[failed protocol]");
}

// P-003, P-014, A-010
TEST(Pop3Login, BoundsWhatItReads) {
    const Settings plain = settings_for(AuthMethod::plain);
    Script status = at_login(plain, "SASL PLAIN\r\n");
    (void)status.sent();
    status.server("+OK " + std::string(kMaxReplyLine - 3, 'x') + "\r\n");
    EXPECT_EQ(status.events(), "[failed limit]");

    Script endless = at_login(plain, "SASL PLAIN\r\n");
    (void)endless.sent();
    endless.server("+ " + std::string(sasl::kMaxChallenge + kMaxReplyLine, 'A'));
    EXPECT_EQ(endless.events(), "[failed limit]");

    Script user = at_login(settings_for(AuthMethod::user), "USER\r\n");
    (void)user.sent();
    user.server(std::string(kMaxReplyLine + 1, 'x'));
    EXPECT_EQ(user.events(), "[failed limit]");
}

// P-027, P-028, Q-006
TEST(Pop3Login, TellsBusyFromRefused) {
    struct Case {
        const char* reply;
        const char* event;
        Retry retry;
    };
    for (const Case& c : {Case{"-ERR [IN-USE] mailbox open\r\n", "[failed busy]", Retry::later},
                          Case{"-ERR [SYS/TEMP] try later\r\n", "[failed busy]", Retry::later},
                          Case{"-ERR [LOGIN-DELAY] too soon\r\n", "[failed busy]", Retry::later},
                          Case{"-ERR mailbox is locked\r\n", "[failed busy]", Retry::later},
                          Case{"-ERR [AUTH] no\r\n", "[failed login-refused]", Retry::never},
                          Case{"-ERR no\r\n", "[failed login-refused]", Retry::never},
                          Case{"-ERR [SYS/PERM] gone\r\n", "[failed refused]", Retry::never}}) {
        Script pass = at_login(settings_for(AuthMethod::user), "USER\r\n");
        (void)pass.sent();
        pass.server("+OK\r\n");
        (void)pass.sent();
        pass.server(c.reply);
        EXPECT_EQ(pass.events(), c.event) << c.reply;
        EXPECT_EQ(pass.error().retry, c.retry) << c.reply;

        Script plain = at_login(settings_for(AuthMethod::plain), "SASL PLAIN\r\n");
        (void)plain.sent();
        plain.server(c.reply);
        EXPECT_EQ(plain.events(), c.event) << c.reply;
        EXPECT_EQ(plain.sent(), "");
    }
}

TEST(Pop3Login, SaysWhatWasAskedAndAnsweredAndWhatToDo) {
    Script script = at_login(settings_for(AuthMethod::plain), "SASL PLAIN\r\n");
    (void)script.sent();
    script.server("-ERR sorry\r\n");
    EXPECT_EQ(script.error().text,
              "AUTH PLAIN for \"alice\" was refused: the server said \"-ERR sorry\"; check user "
              "and password");
}

// A server may repeat what it was sent, at any time.
TEST(Pop3Login, ShowsNoSecretInAnErrorText) {
    const auto expect_clean = [](const Script& script) {
        EXPECT_FALSE(script.error().text.empty());
        EXPECT_EQ(script.error().text.find(kCanary), std::string::npos) << script.error().text;
        EXPECT_EQ(script.error().text.find(kPlainResponse), std::string::npos);
    };
    for (const std::string& echo :
         {std::string("-ERR bad password c4n4ry\r\n"), std::string("PASS c4n4ry\r\n"),
          "-ERR AUTH PLAIN " + std::string(kPlainResponse) + "\r\n"}) {
        Script script = at_login(settings_for(AuthMethod::plain), "SASL PLAIN\r\n");
        (void)script.sent();
        script.server(echo);
        expect_clean(script);
    }
    for (const char* echo : {"-ERR c4n4ry\r\n-ERR c4n4ry\r\n", "c4n4ry\r\n", "+OK\r\nc4n4ry\r\n"}) {
        Script script = at_login(settings_for(AuthMethod::user), "USER\r\n");
        (void)script.sent();
        script.server("+OK\r\n");
        (void)script.sent();
        script.server("+OK\r\n");
        expect_logged_in(script);
        script.dialogue().list();
        (void)script.sent();
        script.server(echo);
        expect_clean(script);
    }
}

}  // namespace
}  // namespace postrider::pop3
