#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/protocol/sasl/client.h"

#include "protocol/sasl/encoding.h"
#include "smtp_session.h"

namespace postrider::smtp {
namespace {

Settings settings_with(std::string mechanism = "", bool encrypted = true) {
    Settings settings = smtp_settings();
    settings.encrypted = encrypted;
    settings.login.emplace(
        Login{"tim", Secret(std::string("tanstaaftanstaaf")), std::move(mechanism)});
    return settings;
}

/// A session with a server that offers `auth`, at the point where AUTH is out. Told: what came of
/// EHLO if it was not AUTH.
struct At {
    explicit At(Settings settings, std::string_view auth) : session(std::move(settings)) {
        EXPECT_EQ(session.hear("220 mx\r\n"), "");
        session.say();
        told = session.hear(std::string("250-mx\r\n250 AUTH ") + std::string(auth) + "\r\n");
        said = session.say();
    }

    Session session;
    std::string told;
    std::string said;
};

TEST(SmtpAuthentication, PlainGoesOutWithItsResponseAndIsReadyAfter235) {
    At at(settings_with(), "LOGIN PLAIN");
    // RFC 4616 section 4, the first example.
    EXPECT_EQ(at.said, "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
    EXPECT_EQ(at.session.dialogue.phase(), Phase::hello);
    EXPECT_EQ(at.session.hear("235 2.7.0 welcome\r\n"), "ready");
}

TEST(SmtpAuthentication, LoginAnswersBothQuestions) {
    At at(settings_with(), "LOGIN");
    EXPECT_EQ(at.said, "AUTH LOGIN\r\n");
    EXPECT_EQ(at.session.hear("334 VXNlcm5hbWU6\r\n"), "");
    EXPECT_EQ(at.session.say(), "dGlt\r\n");
    EXPECT_EQ(at.session.hear("334 UGFzc3dvcmQ6\r\n"), "");
    EXPECT_EQ(at.session.say(), "dGFuc3RhYWZ0YW5zdGFhZg==\r\n");
    EXPECT_EQ(at.session.hear("235 ok\r\n"), "ready");
}

TEST(SmtpAuthentication, CramMd5AnswersTheChallenge) {
    At at(settings_with("CRAM-MD5"), "PLAIN CRAM-MD5");
    EXPECT_EQ(at.said, "AUTH CRAM-MD5\r\n");
    // RFC 2195 section 2.
    EXPECT_EQ(at.session.hear("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"),
              "");
    EXPECT_EQ(at.session.say(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n");
    EXPECT_EQ(at.session.hear("235 ok\r\n"), "ready");
}

/// What a server says first in SCRAM, in answer to "AUTH SCRAM-... <base64>".
std::string scram_first(const std::string& auth_line) {
    const std::size_t at = auth_line.rfind(' ') + 1;
    const std::string first(
        sasl::from_base64(auth_line.substr(at, auth_line.size() - at - 2)).value().reveal());
    const std::string challenge = first.substr(first.find("r=")) + "srv,s=c2FsdA==,i=4096";
    return "334 " + std::string(sasl::to_base64(challenge).reveal()) + "\r\n";
}

// P-015: the key is derived elsewhere; until then nothing that comes is an answer.
TEST(SmtpAuthentication, ScramLetsTheKeyBeDerivedElsewhere) {
    At at(settings_with(), "SCRAM-SHA-256");
    EXPECT_EQ(at.session.hear(scram_first(at.said)), "key needed");
    EXPECT_EQ(at.session.say(), "");
    EXPECT_EQ(at.session.dialogue.phase(), Phase::hello);
    const sasl::KeyRequest request = std::get<KeyNeeded>(at.session.events.back()).request;
    EXPECT_EQ(request.iterations, 4096U);
    EXPECT_EQ(request.salt, "salt");
    at.session.dialogue.key_derived(sasl::derive_key(request));
    const std::string proof = at.session.say();
    EXPECT_EQ(sasl::from_base64(proof.substr(0, proof.size() - 2))->reveal().substr(0, 9),
              "c=biws,r=");
    EXPECT_EQ(at.session.hear("334 dj1BQUFB\r\n"), "") << "v=AAAA";
    EXPECT_EQ(at.session.say(), "*\r\n");
    EXPECT_EQ(at.session.hear("501 cancelled\r\n"), "failed: protocol");

    At early(settings_with(), "SCRAM-SHA-256");
    EXPECT_EQ(early.session.hear(scram_first(early.said) + "235 ok\r\n"),
              "key needed\nfailed: protocol");
    early.session.dialogue.key_derived(Secret(std::string(32, 'k')));
    EXPECT_EQ(early.session.say(), "");

    At farewell(settings_with(), "SCRAM-SHA-256");
    EXPECT_EQ(farewell.session.hear(scram_first(farewell.said)), "key needed");
    EXPECT_EQ(farewell.session.hear("421 4.3.2 too slow\r\n"), "failed: busy");
}

TEST(SmtpAuthentication, TheBestMechanismIsChosen) {
    const auto chosen = [](std::string_view offered, bool encrypted) {
        const At at(settings_with("", encrypted), offered);
        std::string_view line = at.said;
        line = line.substr(line.find(' ') + 1);
        return std::string(line.substr(0, line.find_first_of(" \r")));
    };
    EXPECT_EQ(chosen("LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", true), "SCRAM-SHA-256");
    EXPECT_EQ(chosen("LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1", true), "SCRAM-SHA-1");
    EXPECT_EQ(chosen("CRAM-MD5 LOGIN PLAIN", true), "PLAIN");
    EXPECT_EQ(chosen("LOGIN PLAIN CRAM-MD5", false), "CRAM-MD5");
}

// P-013
TEST(SmtpAuthentication, IsNotTalkedIntoAnotherMechanism) {
    At at(settings_with(), "CRAM-MD5 PLAIN");
    EXPECT_EQ(at.session.hear("504 5.5.4 not that one\r\n"), "failed: login-refused");
    EXPECT_EQ(at.session.say(), "");
}

TEST(SmtpAuthentication, FailsWhenTheServerDoesNotOfferWhatIsAskedFor) {
    for (const char* const offered : {"LOGIN CRAM-MD5", "GSSAPI"}) {
        At at(settings_with("PLAIN"), offered);
        EXPECT_EQ(at.told, "failed: unsupported");
        EXPECT_EQ(at.session.failed().error.retry, Retry::never);
        EXPECT_EQ(at.said, "");
    }
    EXPECT_EQ(At(settings_with(), "GSSAPI NTLM").told, "failed: unsupported");
}

TEST(SmtpAuthentication, NothingIsSentWithoutTheLoginThatIsConfigured) {
    Session session(settings_with());
    session.hear("220 mx\r\n");
    session.say();
    EXPECT_EQ(session.hear("250 mx\r\n"), "failed: unsupported");
    EXPECT_EQ(session.say(), "");
}

TEST(SmtpAuthentication, RefusalSaysWhenToComeBack) {
    struct Case {
        const char* reply;
        const char* told;
        Retry retry;
    };
    const std::vector<Case> cases = {
        {"535 5.7.8 no\r\n", "failed: login-refused", Retry::never},
        {"534 5.7.9 too weak\r\n", "failed: login-refused", Retry::never},
        {"538 5.7.11 encrypt\r\n", "failed: login-refused", Retry::never},
        {"454 4.7.0 temporary\r\n", "failed: busy", Retry::later},
        {"421 4.3.2 bye\r\n", "failed: busy", Retry::later},
    };
    for (const auto& [reply, told, retry] : cases) {
        At at(settings_with(), "PLAIN");
        EXPECT_EQ(at.session.hear(reply), told);
        EXPECT_EQ(at.session.failed().error.retry, retry) << reply;
    }
}

// a server may repeat what it was sent.
TEST(SmtpAuthentication, TheSecretIsNeverInAnErrorText) {
    for (const char* const reply : {"535 bad password tanstaaftanstaaf\r\n",
                                    "535 cannot parse AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"}) {
        At at(settings_with(), "PLAIN");
        at.session.hear(reply);
        const std::string& text = at.session.failed().error.text;
        EXPECT_EQ(text.find("tanstaaf"), std::string::npos) << text;
        EXPECT_EQ(text.find("AHRpbQB0"), std::string::npos) << text;
        EXPECT_NE(text.find("535"), std::string::npos) << text;
    }
}

// P-014, CVE-2025-61962: a challenge may be empty, with and without the blank.
TEST(SmtpAuthentication, TooLongForTheCommandLineIsSentInAnswerToAnEmptyChallenge) {
    for (const char* const challenge : {"334 \r\n", "334\r\n"}) {
        Settings settings = settings_with("PLAIN");
        settings.login->password = Secret(std::string(400, 'x'));
        At at(settings, "PLAIN");
        EXPECT_EQ(at.said, "AUTH PLAIN\r\n");
        EXPECT_EQ(at.session.hear(challenge), "");
        EXPECT_EQ(at.session.say().substr(0, 8), "AHRpbQB4");
        EXPECT_EQ(at.session.hear("235 ok\r\n"), "ready");
    }
}

TEST(SmtpAuthentication, InitialResponseFillsACommandLineOfJustTheLimit) {
    // "AUTH PLAIN " + base64 of NUL tim NUL password + CRLF: 512 octets hold 496 of base64, and 372
    // of what it encodes, 5 of which are not the password.
    Settings settings = settings_with("PLAIN");
    settings.login->password = Secret(std::string(367, 'x'));
    EXPECT_EQ(At(settings, "PLAIN").said.size(), 11U + 496U + 2U);
    settings.login->password = Secret(std::string(368, 'x'));
    EXPECT_EQ(At(settings, "PLAIN").said, "AUTH PLAIN\r\n");
}

// P-014
TEST(SmtpAuthentication, BadChallengeIsAnsweredWithAStarAndEndsTheSession) {
    for (const char* const challenge : {"!!!!", "AHRpbQ=="}) {
        At at(settings_with("CRAM-MD5"), "CRAM-MD5");
        at.session.hear("334 PDE4OTZAYj4=\r\n");
        at.session.say();
        // A second challenge, which the mechanism does not have.
        EXPECT_EQ(at.session.hear(std::string("334 ") + challenge + "\r\n"), "");
        EXPECT_EQ(at.session.say(), "*\r\n");
        EXPECT_EQ(at.session.hear("501 5.0.0 cancelled\r\n"), "failed: protocol");
    }
}

// P-014, A-010
TEST(SmtpAuthentication, ChallengeOneOctetOverTheLimitEndsTheSession) {
    At within(settings_with("CRAM-MD5"), "CRAM-MD5");
    EXPECT_EQ(within.session.hear("334 " + std::string(sasl::kMaxChallenge, 'A') + "\r\n"), "");
    EXPECT_NE(within.session.say(), "");
    At over(settings_with("CRAM-MD5"), "CRAM-MD5");
    EXPECT_EQ(over.session.hear("334 " + std::string(sasl::kMaxChallenge + 1, 'A') + "\r\n"),
              "failed: limit");
}

TEST(SmtpAuthentication, LongRepliesAreTakenDuringTheLoginOnly) {
    At at(settings_with(), "PLAIN");
    ASSERT_EQ(at.session.hear("235 ok\r\n"), "ready");
    at.session.dialogue.begin(transaction_to(1));
    at.session.say();
    EXPECT_EQ(at.session.hear("250 " + std::string(kMaxReplyLine, 'x') + "\r\n"),
              "failed: limit: mail unanswered");
}

TEST(SmtpAuthentication, ChallengeOutsideOfALoginIsOutOfPlace) {
    Session session(smtp_settings());
    session.hear("220 mx\r\n");
    session.say();
    EXPECT_EQ(session.hear("334 VXNlcm5hbWU6\r\n"), "failed: protocol");
}

TEST(SmtpAuthentication, UserOrPasswordThatNoMechanismCarriesIsAConfigurationFault) {
    for (const std::string& bad : {std::string(), std::string("a\r\nb"), std::string("a\0b", 3)}) {
        Settings settings = settings_with();
        settings.login->user = bad;
        EXPECT_EQ(At(settings, "PLAIN").told, "failed: config");
        settings = settings_with();
        settings.login->password = Secret(bad);
        EXPECT_EQ(At(settings, "PLAIN").told, "failed: config");
    }
}

TEST(SmtpAuthentication, ComesAfterStartTlsAndByWhatIsOfferedThere) {
    Settings settings = settings_with("", false);
    settings.use_starttls = true;
    Session session(settings);
    session.hear("220 mx\r\n");
    session.say();
    session.hear("250-mx\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5\r\n");
    EXPECT_EQ(session.say(), "STARTTLS\r\n");
    EXPECT_EQ(session.hear("220 go\r\n"), "start tls");
    EXPECT_EQ(session.say(), "EHLO me.example\r\n");
    session.hear("250-mx\r\n250 AUTH PLAIN CRAM-MD5\r\n");
    EXPECT_TRUE(session.say().starts_with("AUTH PLAIN "));
    EXPECT_EQ(session.hear("235 ok\r\n"), "ready");
}

}  // namespace
}  // namespace postrider::smtp
