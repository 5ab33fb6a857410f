// Servers that are not quite what RFC 1939 and 2449 describe.
#include "unit/source/session_fixture.h"

namespace postrider::source {
namespace {

using namespace std::chrono_literals;

class Pop3SessionQuirksTest : public SessionTest {};

const Script kLoginWithoutCapa = {"S: +OK hello", "C: USER alice", "S: +OK", "C: PASS c4n4ry",
                                  "S: +OK"};

// P-007
TEST_F(Pop3SessionQuirksTest, AServerThatHangsUpOnCapaIsAskedOnceMoreWithoutIt) {
    peer.then({"S: +OK hello", "C: CAPA", "close"});
    start(joined({kLoginWithoutCapa, listing({5})}));
    EXPECT_EQ(told.lines, Lines{"listed 1:u1#0/5"});
    EXPECT_EQ(peer.requests().size(), 2U);
    EXPECT_TRUE(session->quirks().no_capa);
    EXPECT_TRUE(told.capabilities.consumes_on_settle) << "who cannot be asked may consume (I3)";
    EXPECT_FALSE(told.capabilities.forbids_keeping) << "and has not said so";
    session.reset();
    loop.run_until_idle();
}

TEST_F(Pop3SessionQuirksTest, WhatIsKnownOfCapaIsNotTriedAgain) {
    quirks.no_capa = true;
    start(joined({kLoginWithoutCapa, listing({5})}));
    EXPECT_EQ(told.lines, Lines{"listed 1:u1#0/5"});
    EXPECT_EQ(peer.requests().size(), 1U);
    session.reset();
    loop.run_until_idle();
}

TEST_F(Pop3SessionQuirksTest, AServerThatHangsUpOnEverythingIsBusyAndTeachesNothing) {
    peer.then({"S: +OK hello", "C: CAPA", "close"});
    start({"S: +OK hello", "C: USER alice", "close"});
    EXPECT_EQ(told.lines, Lines{"failed"});
    EXPECT_EQ(told.error->code, Errc::busy);
    EXPECT_FALSE(session->quirks().no_capa);
}

// P-007: where STLS is required there is no way around CAPA.
TEST_F(Pop3SessionQuirksTest, WithStlsAServerThatHangsUpOnCapaIsNotAskedAgain) {
    settings.tls = TlsMode::starttls;
    start({"S: +OK hello", "C: CAPA", "close"});
    EXPECT_EQ(told.lines, Lines{"failed"});
    EXPECT_EQ(peer.requests().size(), 1U);
}

// P-022
TEST_F(Pop3SessionQuirksTest, AServerThatDropsPipelinedClientsIsNotPipelinedAgain) {
    start(joined({login({"S: PIPELINING"}), {"C: UIDL", "C: LIST", "close"}}));
    EXPECT_EQ(told.lines, Lines{"failed"});
    EXPECT_TRUE(session->quirks().no_pipelining);
}

// Before the first listing there is nowhere to remember it.
TEST_F(Pop3SessionQuirksTest, AMailboxThatWasNeverListedIsPipelinedOnlyBehindItsListing) {
    quirks.is_new = true;
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->fetch(1);
            session->fetch(2);
        }
    };
    start(joined({login({"S: PIPELINING"}), listing({9, 9}), {"C: RETR 1", "C: RETR 2", "close"}}));
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/9 2:u2#0/9", "failed"}));
    EXPECT_TRUE(session->quirks().no_pipelining);
}

TEST_F(Pop3SessionQuirksTest, ALinkThatBreaksLaterIsNotBlamedOnPipelining) {
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->fetch(1);
            session->fetch(2);
            session->fetch(3);
        }
    };
    start(joined({login({"S: PIPELINING"}),
                  {"C: UIDL", "C: LIST", "S: +OK", "S: 1 a", "S: 2 b", "S: 3 c", "S: .", "S: +OK",
                   "S: 1 9", "S: 2 9", "S: 3 9", "S: .", "C: RETR 1", "C: RETR 2", "C: RETR 3",
                   "S: +OK", "S: To: one", "S: .", "close"}}));
    EXPECT_EQ(told.lines.back(), "failed");
    EXPECT_FALSE(session->quirks().no_pipelining);
}

TEST_F(Pop3SessionQuirksTest, AKnownQuirkKeepsThePipeliningOff) {
    quirks.no_pipelining = true;
    start(joined({login({"S: PIPELINING"}), listing({5})}));
    EXPECT_EQ(told.lines, Lines{"listed 1:u1#0/5"});
    session.reset();
    loop.run_until_idle();
}

// P-034
TEST_F(Pop3SessionQuirksTest, AServerWithoutUidlListsSizesAlone) {
    start({"S: +OK hello", "C: CAPA", "S: -ERR", "C: USER alice", "S: +OK", "C: PASS c4n4ry",
           "S: +OK", "C: CAPA", "S: -ERR", "C: UIDL", "S: -ERR what?", "C: LIST", "S: +OK",
           "S: 1 5", "S: 2 7", "S: ."});
    EXPECT_EQ(told.lines, Lines{"listed without UIDs 1:#0/5 2:#0/7"});
    session.reset();
    loop.run_until_idle();
}

// P-004
TEST_F(Pop3SessionQuirksTest, AServerThatEndsEveryLineInLfIsUnderstood) {
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->fetch(1);
        } else if (line.starts_with("fetched")) {
            session->settle();
        }
    };
    start({"R: +OK hello\n", "C: CAPA", "R: -ERR\n", "C: USER alice", "R: +OK\n", "C: PASS c4n4ry",
           "R: +OK\n", "C: CAPA", "R: -ERR\n", "C: UIDL", "R: +OK\n1 a\n.\n", "C: LIST",
           "R: +OK\n1 9\n.\n", "C: RETR 1", "R: +OK\nTo: b\n\n..c\r.\n.\n", "C: QUIT", "R: +OK\n"});
    EXPECT_EQ(told.lines,
              (Lines{"listed 1:a#0/9", "fetched 1: To: b\r\n\r\n.c\r\n.\r\n", "settled"}));
}

// P-023
TEST_F(Pop3SessionQuirksTest, FetchesWithTopWhereRetrWouldDelete) {
    settings.fetch_with_top = true;
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->fetch(1);
        }
    };
    start(joined({login({"S: EXPIRE 0"}),
                  listing({9}),
                  {"C: TOP 1 99999999", "S: +OK", "S: To: two", "S: ."}}));
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/9", "fetched 1: To: two\r\n"}));
    EXPECT_FALSE(told.capabilities.consumes_on_settle);
    session.reset();
    loop.run_until_idle();
}

TEST_F(Pop3SessionQuirksTest, AMessageThatTopHasCutIsNotTaken) {
    settings.fetch_with_top = true;
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->fetch(1);
        }
    };
    start(joined({login(), listing({10}), {"C: TOP 1 99999999", "S: +OK", "S: To: two", "S: ."}}));
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/10", "not fetched 1"}));
    EXPECT_NE(told.error->text.find("9 of 10 octets"), std::string::npos) << told.error->text;
    session.reset();
    loop.run_until_idle();
}

TEST_F(Pop3SessionQuirksTest, TellsAHeaderWithoutTheMessage) {
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->head(1);
            session->head(2);
        }
    };
    start(
        joined({login(),
                listing({100, 100}),
                {"C: TOP 1 0", "S: +OK", "S: To: x", "S: ", "S: .", "C: TOP 2 0", "S: -ERR no"}}));
    EXPECT_EQ(told.lines,
              (Lines{"listed 1:u1#0/100 2:u2#0/100", "head 1: To: x\r\n\r\n", "no head 2"}));
    session.reset();
    loop.run_until_idle();
}

TEST_F(Pop3SessionQuirksTest, OfAHugeHeaderOnlyTheBeginningIsKept) {
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->head(1);
        }
    };
    start(joined({login(),
                  listing({100}),
                  {"C: TOP 1 0", "S: +OK", "S: " + std::string(2 * kMaxHead, 'x'), "S: ."}}));
    EXPECT_EQ(told.lines.back().size(), std::string("head 1: ").size() + kMaxHead);
    session.reset();
    loop.run_until_idle();
}

// P-024, P-025: sizes of the listing are not believed, and the wire cannot be stopped otherwise.
TEST_F(Pop3SessionQuirksTest, AMessageOfTheLargestSizePassesAndOneOctetMoreEndsTheSession) {
    settings.max_message_size = 9;
    told.answer = [this](const std::string& line) {
        if (line.starts_with("listed")) {
            session->fetch(1);
            session->fetch(2);
        }
    };
    start(joined({login(),
                  listing({9, 9}),
                  {"C: RETR 1", "S: +OK", "S: To: two", "S: .", "C: RETR 2", "S: +OK",
                   "S: To: three", "S: .", "closed"}}));
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/9 2:u2#0/9", "fetched 1: To: two\r\n",
                                 "not fetched 2", "failed"}));
    EXPECT_EQ(told.error->code, Errc::limit);
    EXPECT_NE(told.error->text.find("max_message_size"), std::string::npos);
}

// I3
TEST_F(Pop3SessionQuirksTest, WhetherItConsumesCanBeSaid) {
    settings.consumes = Consumes::yes;
    start(joined({login(), listing({5})}));
    EXPECT_TRUE(told.capabilities.consumes_on_settle);
    session.reset();
    loop.run_until_idle();
    settings.consumes = Consumes::no;
    start(joined({login({"S: EXPIRE 0"}), listing({5})}));
    EXPECT_FALSE(told.capabilities.consumes_on_settle);
    session.reset();
    loop.run_until_idle();
}

// P-036, RFC 6856
TEST_F(Pop3SessionQuirksTest, AsksForUtf8AndALanguageBeforeTheLogin) {
    settings.utf8 = true;
    settings.lang = "de";
    start(joined({{"S: +OK hello", "C: CAPA", "S: +OK", "S: USER", "S: UTF8 USER", "S: LANG",
                   "S: .", "C: LANG de", "S: -ERR [UTF8] not that one", "C: UTF8", "S: +OK",
                   "C: USER alice", "S: +OK", "C: PASS c4n4ry", "S: +OK", "C: CAPA", "S: -ERR"},
                  listing({5})}));
    EXPECT_EQ(told.lines, Lines{"listed 1:u1#0/5"});
    session.reset();
    loop.run_until_idle();
}

TEST_F(Pop3SessionQuirksTest, WithoutUtf8OnTheServerTheLoginIsNotTried) {
    settings.utf8 = true;
    start({"S: +OK hello", "C: CAPA", "S: +OK", "S: USER", "S: .", "closed"});
    EXPECT_EQ(told.lines, Lines{"failed"});
    EXPECT_EQ(told.error->code, Errc::unsupported);
}

//
TEST_F(Pop3SessionQuirksTest, ARefusedLoginTellsWhatTheProviderAdvises) {
    settings.login_advice = "Enable POP3 in the settings";
    start({"S: +OK", "C: CAPA", "S: -ERR", "C: USER alice", "S: +OK", "C: PASS c4n4ry",
           "S: -ERR wrong"});
    ASSERT_TRUE(told.error);
    EXPECT_EQ(told.error->code, Errc::login_refused);
    EXPECT_TRUE(told.error->text.ends_with("Enable POP3 in the settings")) << told.error->text;
}

}  // namespace
}  // namespace postrider::source
