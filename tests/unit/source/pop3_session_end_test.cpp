
#include "unit/source/session_fixture.h"

// The ways in which a session ends before its time, and the deadlines.
namespace postrider::source {
namespace {

using namespace std::chrono_literals;

class Pop3SessionEndTest : public SessionTest {
  protected:
    void expect_failed(Errc code, Retry retry, std::string_view text) {
        ASSERT_FALSE(told.lines.empty());
        EXPECT_EQ(told.lines.back(), "failed");
        expect_error(code, retry, text);
    }

    void expect_error(Errc code, Retry retry, std::string_view text) {
        ASSERT_TRUE(told.error);
        EXPECT_EQ(to_text(told.error->code), to_text(code));
        EXPECT_EQ(told.error->retry, retry);
        EXPECT_NE(told.error->text.find(text), std::string::npos) << told.error->text;
        EXPECT_EQ(peer.open_streams(), 0U);
    }

    /// Nothing of the session is left in the loop.
    void expect_silence() {
        const std::size_t before = told.lines.size();
        loop.advance(3h);
        EXPECT_EQ(told.lines.size(), before);
        EXPECT_FALSE(loop.has_more());
    }
};

TEST_F(Pop3SessionEndTest, TheWordsOfAFailedConnectPassThrough) {
    start({"connect-fails tls pop.example:995: the certificate has expired"});
    expect_failed(Errc::tls, Retry::never, "pop.example:995: the certificate has expired");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, AnEndInsteadOfAGreetingMeansBusy) {
    start({"close"});
    expect_failed(Errc::busy, Retry::later, "during the greeting");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, AnEndAfterThePasswordMeansBusyAndNotWrongPassword) {
    start({"S: +OK", "C: CAPA", "S: -ERR", "C: USER alice", "S: +OK", "C: PASS c4n4ry", "reset"});
    expect_failed(Errc::busy, Retry::later, "during the login without a word (connection reset");
}

TEST_F(Pop3SessionEndTest, ARefusedLoginSaysSo) {
    start({"S: +OK", "C: CAPA", "S: -ERR", "C: USER alice", "S: +OK", "C: PASS c4n4ry",
           "S: -ERR [AUTH] wrong password"});
    expect_failed(Errc::login_refused, told.error->retry, "wrong password");
}

TEST_F(Pop3SessionEndTest, AnEndWithinAMessageTellsNothingOfTheMessage) {
    start(joined({login(), listing({500}), {"C: RETR 1", "S: +OK", "S: half", "close"}}));
    session->fetch(1);
    loop.run_until_idle();
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/500", "failed"}));
    expect_error(Errc::closed, Retry::later,
                 "no whole answer to RETR 1: the server closed the connection");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, AnEndInsteadOfTheAnswerToQuitLeavesTheOutcomeOpen) {
    start(joined({login(), listing({5}), {"C: DELE 1", "S: +OK", "C: QUIT", "close"}}));
    session->remove(1);
    session->settle();
    loop.run_until_idle();
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/5", "removed 1", "not settled"}));
    expect_error(Errc::closed, Retry::later, "no whole answer to QUIT: ");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, ARefusedQuitLeavesTheOutcomeOpen) {
    start(joined({login(), listing({}), {"C: QUIT", "S: -ERR some not deleted"}}));
    session->settle();
    loop.run_until_idle();
    EXPECT_EQ(told.lines.back(), "not settled");
    EXPECT_NE(told.error.value().text.find("some not deleted"), std::string::npos);
}

TEST_F(Pop3SessionEndTest, WithoutStlsNothingOfTheUserIsSent) {
    settings.tls = TlsMode::starttls;
    start({"S: +OK", "C: CAPA", "S: +OK", "S: USER", "S: .", "closed"});
    expect_failed(Errc::unsupported, Retry::never, "STLS");
    EXPECT_EQ(peer.client_bytes(0), "CAPA\r\n");
}

TEST_F(Pop3SessionEndTest, AFailedHandshakeAfterStlsEndsItBeforeAnythingOfTheUserIsSent) {
    settings.tls = TlsMode::starttls;
    start({"S: +OK", "C: CAPA", "S: +OK", "S: STLS", "S: .", "C: STLS", "S: +OK",
           "tls-fail the certificate is for another host"});
    expect_failed(Errc::tls, Retry::never, "the certificate is for another host");
    EXPECT_EQ(peer.client_bytes(0), "CAPA\r\nSTLS\r\n");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, AMessageThatCannotBeSpooledEndsTheSession) {
    settings.spool = {testing::TempDir() + "/no-such-directory", 4};
    start(joined({login(), listing({20}), {"C: RETR 1", "S: +OK", "S: more than four", "S: ."}}));
    session->fetch(1);
    loop.run_until_idle();
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/20", "failed"}));
    expect_error(Errc::io, Retry::later, "no-such-directory");
}

TEST_F(Pop3SessionEndTest, DestroyedWhileConnectingItTellsNothing) {
    peer.then({"connect-hangs"});
    factory = make_pop3_source(loop, worker, peer, settings);
    session = factory->open(told, {});
    session->start();
    session.reset();
    expect_silence();
    EXPECT_TRUE(told.lines.empty());
}

TEST_F(Pop3SessionEndTest, DestroyedWithinAMessageItClosesAndTellsNothing) {
    start(joined({login(), listing({500}), {"C: RETR 1", "S: +OK", "S: half", "closed"}}));
    session->fetch(1);
    loop.run_until_idle();
    session.reset();
    EXPECT_EQ(peer.open_streams(), 0U);
    expect_silence();
    EXPECT_EQ(told.lines, Lines{"listed 1:u1#0/500"});
}

TEST_F(Pop3SessionEndTest, AConnectHasItsDeadline) {
    start({"connect-hangs"});
    EXPECT_EQ(lasted(), settings.timeouts.connect);
    expect_failed(Errc::timed_out, Retry::later, "no connection within the deadline");
}

TEST_F(Pop3SessionEndTest, TheGreetingHasADeadline) {
    start({"closed"});
    EXPECT_EQ(lasted(), 60s);
    expect_failed(Errc::timed_out, Retry::later, "1m (timeouts.greeting); if it begins with TLS");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, TheAnswerToStlsHasADeadline) {
    settings.tls = TlsMode::starttls;
    start({"S: +OK", "C: CAPA", "S: +OK", "S: STLS", "S: .", "C: STLS", "closed"});
    EXPECT_EQ(lasted(), 30s);
    expect_failed(Errc::timed_out, Retry::later, "(timeouts.tls)");
}

TEST_F(Pop3SessionEndTest, TheHandshakeAfterStlsHasADeadline) {
    settings.tls = TlsMode::starttls;
    start({"S: +OK", "C: CAPA", "S: +OK", "S: STLS", "S: .", "C: STLS", "wait 20s", "S: +OK",
           "closed"});
    EXPECT_EQ(lasted(), 50s);
    expect_failed(Errc::timed_out, Retry::later, "(timeouts.tls)");
}

TEST_F(Pop3SessionEndTest, TheLoginHasALongDeadline) {
    start({"S: +OK", "C: CAPA", "S: -ERR", "C: USER alice", "S: +OK", "C: PASS c4n4ry", "closed"});
    EXPECT_EQ(lasted(), 300s);
    expect_failed(Errc::timed_out, Retry::later, "5m (timeouts.login)");
}

TEST_F(Pop3SessionEndTest, AnyOtherAnswerHasADeadline) {
    start(joined({login(), {"C: UIDL", "S: +OK", "wait 100s", "S: 1 a", "closed"}}));
    EXPECT_EQ(lasted(), 100s + 120s);  // counted from the last progress
    expect_failed(Errc::timed_out, Retry::later,
                  "no whole answer to UIDL: the server was silent for 2m (timeouts.reply)");
}

TEST_F(Pop3SessionEndTest, TheAnswerToQuitHasADeadlineAndThenTheOutcomeIsOpen) {
    start(joined({login(), listing({}), {"C: QUIT", "closed"}}));
    session->settle();
    EXPECT_EQ(lasted(), 120s);
    EXPECT_EQ(told.lines.back(), "not settled");
    expect_error(Errc::timed_out, Retry::later, "2m (timeouts.quit)");
    expect_silence();
}

TEST_F(Pop3SessionEndTest, TheWholeSessionHasADeadline) {
    settings.timeouts.session = 50s;
    start(joined({login(), listing({}), {"C: NOOP", "S: +OK", "C: NOOP", "S: +OK", "closed"}}));
    EXPECT_EQ(lasted(), 50s);
    expect_failed(Errc::timed_out, Retry::later, "50s (timeouts.session)");
    expect_silence();
}

class Pop3MinimumRateTest : public Pop3SessionEndTest {
  protected:
    /// RETR 1, and `octets` in the first minute of it.
    static Script trickle(std::size_t octets) {
        return joined({login(),
                       listing({9000, 9000}),
                       {"C: RETR 1", "S: +OK", "R: a", "wait 50s",
                        "R: " + std::string(octets - 1, 'b'), "wait 11s", "S: ", "S: ."}});
    }
};

TEST_F(Pop3MinimumRateTest, AMessageThatTricklesEndsTheSession) {
    start(joined({login(),
                  listing({9000}),
                  {"C: RETR 1", "S: +OK", "R: a", "wait 50s", "R: " + std::string(5998, 'b'),
                   "wait 11s", "closed"}}));
    session->fetch(1);
    EXPECT_EQ(lasted(), 60s);
    expect_failed(Errc::timed_out, Retry::later, "min_rate is 100 octets a second");
    expect_silence();
}

TEST_F(Pop3MinimumRateTest, AMessageAtTheRateComesThrough) {
    start(trickle(6000));
    session->fetch(1);
    loop.advance(62s);
    EXPECT_EQ(told.lines.size(), 2U);
    EXPECT_TRUE(told.lines.back().starts_with("fetched 1: ab"));
}

TEST_F(Pop3MinimumRateTest, ZeroMeansAnyRate) {
    settings.min_rate = 0;
    start(trickle(2));
    session->fetch(1);
    loop.advance(62s);
    EXPECT_TRUE(told.lines.back().starts_with("fetched 1: ab"));
}

TEST_F(Pop3MinimumRateTest, TimeBetweenMessagesIsNotTheServersSlowness) {
    start(joined({login(),
                  listing({3, 3}),
                  {"C: RETR 1", "S: +OK", "S: a", "S: .", "C: NOOP", "S: +OK", "C: NOOP", "S: +OK",
                   "C: RETR 2", "S: +OK", "R: b", "wait 5s", "S: ", "S: ."}}));
    session->fetch(1);
    loop.advance(58s);  // the destination takes its time
    session->fetch(2);
    loop.advance(6s);
    EXPECT_EQ(told.lines,
              (Lines{"listed 1:u1#0/3 2:u2#0/3", "fetched 1: a\r\n", "fetched 2: b\r\n"}));
}

// P-026
TEST_F(Pop3SessionEndTest, HowLongToWaitIsKnownWhereTheLoginItselfIsRefusedForIt) {
    start({"S: +OK hello", "C: CAPA", "S: +OK", "S: LOGIN-DELAY 300", "S: .", "C: USER alice",
           "S: +OK", "C: PASS c4n4ry", "S: -ERR [LOGIN-DELAY] minimum time between mail checks"});
    ASSERT_TRUE(told.error);
    EXPECT_EQ(to_text(told.error->code), to_text(Errc::busy));
    EXPECT_EQ(session->min_login_interval(), Duration(300s));
}

}  // namespace
}  // namespace postrider::source
