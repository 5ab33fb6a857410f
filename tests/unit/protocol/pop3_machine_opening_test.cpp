#include <string>

#include <gtest/gtest.h>

#include "postrider/protocol/pop3/dialogue.h"

#include "pop3_script.h"

namespace postrider::pop3 {
namespace {

// P-008, P-009, P-010
TEST(Pop3Opening, SaysNothingOfTheUserBeforeTlsIsUp) {
    expect_same_at_every_split(stls_settings(), [](Script& s) {
        EXPECT_EQ(s.dialogue().phase(), Phase::greeting);
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        EXPECT_EQ(s.dialogue().phase(), Phase::tls);
        s.server("+OK\r\nSTLS\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n");
        EXPECT_EQ(s.sent(), "STLS\r\n");
        s.server("+OK begin\r\n");
        EXPECT_EQ(s.sent(), "");
        EXPECT_FALSE(s.dialogue().capabilities().known);
        s.dialogue().tls_started();
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        EXPECT_EQ(s.dialogue().phase(), Phase::login);
        // Other than before TLS: that answer counts for nothing.
        s.server("+OK\r\nUSER\r\n.\r\n");
        EXPECT_EQ(s.sent(), "USER alice\r\n");
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "PASS c4n4ry\r\n");
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        s.server("+OK\r\n.\r\n");
        EXPECT_FALSE(s.dialogue().capabilities().pipelining);
        EXPECT_EQ(s.dialogue().phase(), Phase::transaction);
    });
}

// P-010: who forgets TLS tells nothing of the user.
TEST(Pop3Opening, LogsInWithoutTlsOnlyWhereThatIsAllowed) {
    Settings clear = settings();
    clear.encrypted = false;
    Script s(clear);
    s.server("+OK\r\n");
    EXPECT_EQ(s.sent(), "CAPA\r\n");
    s.server("+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n");
    EXPECT_EQ(s.events(), "[failed config]");
    EXPECT_EQ(s.sent(), "");

    Script allowed(clear);
    allowed.dialogue().allow_cleartext();
    allowed.server("+OK\r\n");
    allowed.server("+OK\r\nUSER\r\n.\r\n");
    EXPECT_EQ(allowed.sent(), "CAPA\r\nUSER alice\r\n");
}

// P-007, P-010, P-011, A-004: STLS stripped, refused or answered with garbage.
TEST(Pop3Opening, ClosesWhereStlsCannotBeHad) {
    struct Case {
        const char* capa;
        const char* stls;
        const char* event;
        Retry retry;
    };
    for (const Case& c : {
             Case{"-ERR what\r\n", "", "[failed unsupported]", Retry::never},
             Case{"-ERR [SYS/TEMP] x\r\n", "", "[failed busy]", Retry::later},
             Case{"garbage\r\n", "", "[failed protocol]", Retry::later},
             Case{"+OK\r\nUSER\r\nXSTLS\r\n.\r\n", "", "[failed unsupported]", Retry::never},
             Case{"+OK\r\nSTLS\r\n.\r\n", "-ERR no\r\n", "[failed tls]", Retry::later},
             Case{"+OK\r\nSTLS\r\n.\r\n", "-ERR no\r\n+OK\r\n", "[failed tls]", Retry::later},
             Case{"+OK\r\nSTLS\r\n.\r\n", "220 ready\r\n", "[failed protocol]", Retry::later},
             Case{"+OK\r\nSTLS\r\n.\r\n", "+ go\r\n", "[failed protocol]", Retry::later},
         }) {
        Script s(stls_settings());
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        s.server(c.capa);
        if (*c.stls != '\0') {
            EXPECT_EQ(s.sent(), "STLS\r\n");
            s.server(c.stls);
        }
        EXPECT_EQ(s.events(), c.event) << c.capa << c.stls;
        EXPECT_EQ(s.error().retry, c.retry) << c.capa << c.stls;
        EXPECT_EQ(s.sent(), "");
        EXPECT_EQ(s.dialogue().phase(), Phase::over);
    }
}

// P-008, A-004
TEST(Pop3Opening, RejectsBytesPipelinedBehindStls) {
    const auto at_stls = [](Script& s) {
        s.server("+OK\r\n");
        s.server("+OK\r\nSTLS\r\n.\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\nSTLS\r\n");
    };
    Script same(stls_settings());
    at_stls(same);
    same.server("+OK\r\n+OK injected\r\n");
    EXPECT_EQ(same.events(), "[failed protocol]");
    EXPECT_EQ(same.sent(), "");

    Script next(stls_settings());
    at_stls(next);
    next.server("+OK\r\n");
    next.server("+");
    EXPECT_EQ(next.events(), "[tls][failed protocol]");
    EXPECT_NE(next.error().text.find("tampering"), std::string::npos);
}

// P-001
TEST(Pop3Opening, TakesNoOtherGreeting) {
    for (const char* greeting :
         {"* OK IMAP4rev1\r\n", "220 mail ESMTP\r\n", "+OKAY\r\n", " +OK\r\n", "\r\n+OK\r\n",
          "+ \r\n", "HTTP/1.1 400\r\n", "* PREAUTH\r\n", "-ERR go away\r\n"}) {
        Script s(settings());
        s.server(greeting);
        EXPECT_EQ(s.events(), "[failed protocol]") << greeting;
        EXPECT_EQ(s.sent(), "");
    }
    Script imap(settings());
    imap.server("* OK\r\n");
    EXPECT_NE(imap.error().text.find("IMAP"), std::string::npos);
    for (const char* greeting : {"-ERR [SYS/TEMP] later\r\n", "-ERR too many connections\r\n"}) {
        Script busy(settings());
        busy.server(greeting);
        EXPECT_EQ(busy.events(), "[failed busy]") << greeting;
    }
}

// P-006: a reply to what was not yet sent is no reply.
TEST(Pop3Opening, RejectsRepliesThatComeBeforeTheCommand) {
    Script greeting(settings());
    greeting.server("+OK\r\n+OK\r\n");
    EXPECT_EQ(greeting.events(), "[failed protocol]");
    EXPECT_EQ(greeting.sent(), "");

    Script capa(settings());
    capa.server("+OK\r\n");
    (void)capa.sent();
    capa.server("-ERR\r\n+OK\r\n");
    EXPECT_EQ(capa.events(), "[failed protocol]");
    EXPECT_EQ(capa.sent(), "");

    Script in(settings());
    in.server("+OK\r\n");
    in.server("+OK\r\n.\r\n");
    in.server("+OK\r\n");
    in.server("+OK\r\n");
    (void)in.sent();
    in.server("+OK\r\n.\r\n+OK\r\n");
    EXPECT_EQ(in.events(), "[failed protocol]");
}

// P-022: only where CAPA after the login offers it, and only if it is wanted.
TEST(Pop3Opening, PipelinesOnlyWhereItIsOfferedAndWanted) {
    Settings unwanted = settings();
    unwanted.pipelining = false;
    Script off(unwanted);
    log_in(off, "PIPELINING\r\n");
    off.dialogue().list();
    EXPECT_EQ(off.sent(), "UIDL\r\n");

    Script before(settings());
    before.server("+OK\r\n");
    before.server("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n");
    before.server("+OK\r\n");
    before.server("+OK\r\n.\r\n");
    (void)before.sent();
    before.dialogue().list();
    EXPECT_EQ(before.sent(), "UIDL\r\n");
}

// A-010, P-035
TEST(Pop3Opening, KeepsTheCapabilitiesOfTheUser) {
    Script s = logged_in("IMPLEMENTATION Odd\x1bServer\r\nLOGIN-DELAY 300 USER\r\nX-UNKNOWN\r\n");
    EXPECT_EQ(s.dialogue().capabilities().implementation, "Odd\x1bServer");
    EXPECT_EQ(s.dialogue().capabilities().login_delay_s, 300U);
    EXPECT_TRUE(s.dialogue().capabilities().sasl.empty());
}

// P-007: EXPIRE 0 that was told before the login must not be forgotten by a server that answers
// CAPA only then; to pipeline takes its word after the login (P-022).
TEST(Pop3Opening, WhatWasListedBeforeTheLoginHoldsWhereCapaIsRefusedAfterIt) {
    Script s(settings());
    s.server("+OK ready\r\n");
    (void)s.sent();
    s.server("+OK\r\nSASL PLAIN\r\nEXPIRE 0\r\nUIDL\r\nPIPELINING\r\n.\r\n");
    EXPECT_EQ(s.sent(), kPlainOut);
    s.server("+OK\r\n");
    EXPECT_EQ(s.sent(), "CAPA\r\n");
    s.server("-ERR only before the login\r\n");
    EXPECT_EQ(s.events(), "[in]");
    EXPECT_EQ(s.dialogue().capabilities().expire_days, 0U);
    EXPECT_TRUE(s.dialogue().capabilities().uidl);
    s.dialogue().list();
    EXPECT_EQ(s.sent(), "UIDL\r\n");
}

}  // namespace
}  // namespace postrider::pop3
