#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/protocol/smtp/dialogue.h"

#include "smtp_session.h"

// The session around the transactions: greeting, hello, TLS, limits, farewell. The transactions are
// in smtp_transaction_test.cpp.
namespace postrider::smtp {
namespace {

Settings tls_settings() {
    return {Flavour::smtp, "me.example", true, false};
}

/// Up to the point where EHLO or LHLO is out.
void greet(Session& session) {
    EXPECT_EQ(session.hear("220 mx.example\r\n"), "");
    session.say();
}

void make_ready(Session& session, std::string_view capabilities = "250 mx.example\r\n") {
    greet(session);
    EXPECT_EQ(session.hear(capabilities), "ready");
}

TEST(SmtpDialogue, SaysNothingBeforeTheGreeting) {
    Session session(smtp_settings());
    EXPECT_EQ(session.hear(""), "");
    EXPECT_EQ(session.say(), "");
    EXPECT_EQ(session.dialogue.phase(), Phase::greeting);
}

TEST(SmtpDialogue, GreetsWithEhlo) {
    Session session(smtp_settings());
    EXPECT_EQ(session.hear("220 mx.example ESMTP\r\n"), "");
    EXPECT_EQ(session.say(), "EHLO me.example\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::hello);
    EXPECT_EQ(session.hear("250-mx\r\n250-PIPELINING\r\n250 SIZE 9\r\n"), "ready");
    EXPECT_EQ(session.say(), "");
    EXPECT_EQ(session.dialogue.phase(), Phase::idle);
    EXPECT_TRUE(session.dialogue.capabilities().pipelining);
    EXPECT_EQ(session.dialogue.capabilities().max_size, 9U);
}

TEST(SmtpDialogue, GreetsWithLhloInLmtp) {
    Session session(lmtp_settings());
    EXPECT_EQ(session.hear("220 lmtp\r\n"), "");
    EXPECT_EQ(session.say(), "LHLO me.example\r\n");
    EXPECT_EQ(session.hear("250 lmtp\r\n"), "ready");
}

TEST(SmtpDialogue, GreetingOfRefusalFails) {
    struct Case {
        const char* greeting;
        const char* told;
        Retry retry;
        int code;
    };
    for (const Case& c : {Case{"554 5.7.1 no service\r\n", "failed: refused", Retry::never, 554},
                          Case{"450 later\r\n", "failed: busy", Retry::later, 450},
                          Case{"421 too busy\r\n", "failed: busy", Retry::later, 421},
                          Case{"354 odd\r\n", "failed: protocol", Retry::later, 354}}) {
        Session session(smtp_settings());
        EXPECT_EQ(session.hear(c.greeting), c.told);
        EXPECT_EQ(session.failed().error.retry, c.retry);
        EXPECT_EQ(session.failed().reply->code, c.code);
        EXPECT_EQ(session.dialogue.phase(), Phase::over);
        EXPECT_EQ(session.say(), "");
    }
}

TEST(SmtpDialogue, GreetingOfAnotherProtocolFails) {
    for (const auto* greeting : {"+OK POP3\r\n", "* OK IMAP4\r\n", "SSH-2.0-x\r\n", "\r\n"}) {
        Session session(smtp_settings());
        EXPECT_EQ(session.hear(greeting), "failed: protocol");
        EXPECT_FALSE(session.failed().reply);
    }
}

TEST(SmtpDialogue, ErrorTextEscapesTheServersWords) {
    Session session(smtp_settings());
    EXPECT_EQ(session.hear("554 5.7.1 \x1b[2J\r\n"), "failed: refused");
    EXPECT_EQ(session.failed().error.text, "the server turns us away: 554 5.7.1 \\x1b[2J");
}

TEST(SmtpDialogue, FallsBackToHelo) {
    for (const auto* refusal : {"500 what?\r\n", "502 no\r\n", "504 no\r\n"}) {
        Session session(smtp_settings());
        greet(session);
        EXPECT_EQ(session.hear(refusal), "");
        EXPECT_EQ(session.say(), "HELO me.example\r\n");
        EXPECT_EQ(session.hear("250-mx\r\n250 PIPELINING\r\n"), "ready");
        EXPECT_FALSE(session.dialogue.capabilities().pipelining);
    }
}

TEST(SmtpDialogue, HeloRefusedFails) {
    Session session(smtp_settings());
    greet(session);
    session.hear("500 what?\r\n");
    session.say();
    EXPECT_EQ(session.hear("502 no\r\n"), "failed: refused");
}

TEST(SmtpDialogue, EhloRefusedOtherwiseFails) {
    for (const auto* refusal : {"550 no\r\n", "501 bad name\r\n", "530 5.7.0 TLS first\r\n"}) {
        Session session(smtp_settings());
        greet(session);
        EXPECT_EQ(session.hear(refusal), "failed: refused");
        EXPECT_EQ(session.failed().error.retry, Retry::never);
    }
    Session session(smtp_settings());
    greet(session);
    EXPECT_EQ(session.hear("451 later\r\n"), "failed: busy");
}

TEST(SmtpDialogue, LmtpDoesNotFallBack) {
    Session session(lmtp_settings());
    greet(session);
    EXPECT_EQ(session.hear("500 what?\r\n"), "failed: refused");
    EXPECT_EQ(session.failed().error.text,
              "the server refuses LHLO me.example (another hello_name, or type: smtp?): 500 what?");
}

TEST(SmtpDialogue, StartTlsAsksForCapabilitiesAgain) {
    Session session(tls_settings());
    greet(session);
    EXPECT_EQ(session.hear("250-mx\r\n250-PIPELINING\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n"), "");
    EXPECT_EQ(session.say(), "STARTTLS\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::tls);
    EXPECT_EQ(session.hear("220 go\r\n"), "start tls");
    EXPECT_FALSE(session.dialogue.capabilities().pipelining);
    EXPECT_TRUE(session.dialogue.capabilities().auth.empty());
    EXPECT_EQ(session.say(), "EHLO me.example\r\n");
    EXPECT_EQ(session.hear("250-mx\r\n250 STARTTLS\r\n"), "ready");
    EXPECT_FALSE(session.dialogue.capabilities().pipelining);
}

TEST(SmtpDialogue, StartTlsIsNotSaidUnderTls) {
    Session session({Flavour::smtp, "me.example", true, true});
    greet(session);
    EXPECT_EQ(session.hear("250-mx\r\n250 STARTTLS\r\n"), "ready");
}

TEST(SmtpDialogue, StartTlsNotOfferedFails) {
    Session session(tls_settings());
    greet(session);
    EXPECT_EQ(session.hear("250-mx\r\n250 PIPELINING\r\n"), "failed: unsupported");
    EXPECT_EQ(session.failed().error.retry, Retry::never);
    EXPECT_EQ(session.say(), "");
}

TEST(SmtpDialogue, StartTlsCannotBeAvoidedByRefusingEhlo) {
    Session session(tls_settings());
    greet(session);
    EXPECT_EQ(session.hear("500 what?\r\n"), "");
    session.say();
    EXPECT_EQ(session.hear("250 STARTTLS\r\n"), "failed: unsupported");
}

TEST(SmtpDialogue, StartTlsRefusedFails) {
    for (const auto& [refusal, retry] :
         {std::pair{"454 not now\r\n", Retry::later}, std::pair{"502 never\r\n", Retry::never}}) {
        Session session(tls_settings());
        greet(session);
        session.hear("250-mx\r\n250 STARTTLS\r\n");
        session.say();
        EXPECT_EQ(session.hear(refusal), "failed: tls");
        EXPECT_EQ(session.failed().error.retry, retry);
        EXPECT_EQ(session.say(), "");
    }
}

TEST(SmtpDialogue, BytesBehindTheGoAheadFail) {
    for (const auto* more : {"2", "250 ok\r\n", "\r\n", "\x16\x03\x01"}) {
        Session session(tls_settings());
        greet(session);
        session.hear("250-mx\r\n250 STARTTLS\r\n");
        session.say();
        EXPECT_EQ(session.hear(std::string("220 go\r\n") + more), "failed: protocol");
        EXPECT_EQ(session.say(), "");
    }
}

TEST(SmtpDialogue, PlainBytesThatComeAfterTheGoAheadFail) {
    Dialogue dialogue(tls_settings());
    for (std::string_view bytes : {"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n"}) {
        EXPECT_EQ(told(dialogue.next(bytes)), "need input");
        (void)dialogue.take_output();
    }
    std::string_view go = "220 go\r\n";
    EXPECT_EQ(told(dialogue.next(go)), "start tls");
    EXPECT_EQ(told(dialogue.next(go)), "need input");
    std::string_view injected = "2";
    EXPECT_EQ(told(dialogue.next(injected)), "failed: protocol");
}

TEST(SmtpDialogue, AnswersAheadOfTheCommandFail) {
    for (const auto* bytes : {"220 mx\r\n250 mx\r\n", "220 mx\r\n2", "220 mx\r\n\r\n"}) {
        Session session(smtp_settings());
        session.hear(bytes);
        session.say();
        session.hear("50 mx\r\n");
        EXPECT_EQ(session.dialogue.phase(), Phase::over) << bytes;
        EXPECT_EQ(session.failed().error.code, Errc::protocol) << bytes;
    }
    Session session(tls_settings());
    greet(session);
    EXPECT_EQ(session.hear("250-mx\r\n250 STARTTLS\r\n220 go\r\n"), "failed: protocol");
}

// S-005
TEST(SmtpDialogue, UnaskedBytesFail) {
    for (const auto* bytes : {"250 ok\r\n", "550 no\r\n", "\r\n", "hello\r\n"}) {
        Session session(smtp_settings());
        make_ready(session);
        EXPECT_EQ(session.hear(bytes), "failed: protocol");
        EXPECT_TRUE(session.failed().results.empty());
    }
}

TEST(SmtpDialogue, UnaskedBytesBehindTheHelloHoldReadyBack) {
    Session session(smtp_settings());
    greet(session);
    EXPECT_EQ(session.hear("250 mx\r\n250 ok\r\n"), "failed: protocol");
    Session slow(smtp_settings());
    greet(slow);
    EXPECT_EQ(slow.hear("250 mx\r\n25"), "");
    EXPECT_EQ(slow.dialogue.phase(), Phase::hello);
    EXPECT_EQ(slow.hear("0 ok\r\n"), "failed: protocol");
}

TEST(SmtpDialogue, UnaskedReplyIsNoAnswerToWhatIsAskedMeanwhile) {
    Session session(smtp_settings());
    make_ready(session);
    EXPECT_EQ(session.hear("25"), "");
    session.dialogue.begin(transaction_to(1));
    EXPECT_EQ(session.say(), "MAIL FROM:<s@a.example>\r\n");
    EXPECT_EQ(session.hear("0 ok\r\n"), "failed: protocol: mail unanswered");
}

TEST(SmtpDialogue, FarewellIsTakenAtAnyTime) {
    const auto expect_farewell = [](Session& session) {
        EXPECT_EQ(session.hear("421 4.3.2 shutting down\r\n"), "failed: busy");
        EXPECT_EQ(session.failed().reply->enhanced, "4.3.2");
        EXPECT_EQ(session.failed().error.retry, Retry::later);
        EXPECT_EQ(session.say(), "");
    };
    Session greeting(smtp_settings());
    expect_farewell(greeting);
    Session hello(smtp_settings());
    greet(hello);
    expect_farewell(hello);
    Session idle(smtp_settings());
    make_ready(idle);
    expect_farewell(idle);
    Session starttls(tls_settings());
    greet(starttls);
    starttls.hear("250-mx\r\n250 STARTTLS\r\n");
    starttls.say();
    expect_farewell(starttls);
}

// S-032
TEST(SmtpDialogue, QuitsAndIsOverWhateverTheAnswer) {
    for (const auto* bytes : {"221 bye\r\n", "421 bye\r\n", "550 no\r\n", "nonsense", "2"}) {
        Session session(smtp_settings());
        make_ready(session);
        session.dialogue.quit();
        EXPECT_EQ(session.say(), "QUIT\r\n");
        EXPECT_EQ(session.hear(""), "");
        EXPECT_EQ(session.dialogue.phase(), Phase::quit);
        EXPECT_EQ(session.hear(bytes), "");
        EXPECT_EQ(session.dialogue.phase(), Phase::over);
    }
}

TEST(SmtpDialogue, ListensNoMoreAfterTheEnd) {
    Session session(smtp_settings());
    session.hear("554 no\r\n");
    EXPECT_EQ(session.hear("220 yes\r\n250 ok\r\n"), "");
    EXPECT_EQ(session.say(), "");
}

TEST(SmtpDialogue, LimitsEndTheSession) {
    Session line(smtp_settings());
    EXPECT_EQ(line.hear("220 " + std::string(kMaxReplyLine - 3, 'x')), "failed: limit");
    Session lines(smtp_settings());
    std::string many;
    for (std::size_t i = 0; i <= kMaxReplyLines; ++i) many += "220-x\r\n";
    EXPECT_EQ(lines.hear(many), "failed: limit");
    EXPECT_EQ(lines.failed().error.retry, Retry::later);
}

TEST(SmtpDialogue, AbandonedWithoutATransactionKnowsNothing) {
    Session session(smtp_settings());
    make_ready(session);
    EXPECT_TRUE(session.dialogue.abandoned().empty());
    EXPECT_EQ(session.dialogue.phase(), Phase::over);
    EXPECT_EQ(session.hear("250 ok\r\n"), "");
}

}  // namespace
}  // namespace postrider::smtp
