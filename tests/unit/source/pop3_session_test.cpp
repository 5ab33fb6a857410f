#include "source/pop3_session.h"

#include "unit/source/session_fixture.h"

// What a session that goes well tells, and what it makes of refusals of single messages. How
// sessions end otherwise is in pop3_session_end_test.cpp.
namespace postrider::source {
namespace {

using namespace std::chrono_literals;

const Script kFetchAndRemoveTwo = {
    "C: RETR 1", "S: +OK", "S: Subject: one", "S: ",        "S: ..dot",  "S: .",
    "C: RETR 2", "S: +OK", "S: To: two",      "S: .",       "C: DELE 1", "S: +OK",
    "C: DELE 2", "S: +OK", "C: QUIT",         "S: +OK bye", "closed"};
const std::vector<std::string> kToldOfTwo = {"listed 1:u1#0/25 2:u2#0/9",
                                             "fetched 1: Subject: one\r\n\r\n.dot\r\n",
                                             "fetched 2: To: two\r\n",
                                             "removed 1",
                                             "removed 2",
                                             "settled"};

class Pop3SessionTest : public SessionTest {
  protected:
    /// Fetches and removes messages 1 and 2 as soon as they are listed, then settles.
    void take_two() {
        told.answer = [this](const std::string& line) {
            if (line.starts_with("listed")) {
                session->fetch(1);
                session->fetch(2);
            } else if (line.starts_with("fetched 2")) {
                session->remove(1);
                session->remove(2);
                session->settle();
            }
        };
    }
};

TEST_F(Pop3SessionTest, ListsFetchesRemovesAndSettles) {
    take_two();
    start(joined({login(), listing({25, 9}), kFetchAndRemoveTwo}));
    EXPECT_EQ(told.lines, kToldOfTwo);
    EXPECT_FALSE(told.error);
    EXPECT_EQ(peer.open_streams(), 0U);
}

TEST_F(Pop3SessionTest, TellsTheSameHoweverTheServersBytesAreCut) {
    for (const std::size_t size : {1U, 2U, 3U, 7U}) {
        told.lines.clear();
        peer.split_into(size);
        take_two();
        start(joined({login(), listing({25, 9}), kFetchAndRemoveTwo}));
        EXPECT_EQ(told.lines, kToldOfTwo) << "in pieces of " << size;
    }
}

TEST_F(Pop3SessionTest, PipelinesWhereTheServerOffersIt) {
    take_two();
    start(joined(
        {login({"S: PIPELINING"}),
         {"C: UIDL",   "C: LIST",  "S: +OK", "S: 1 u1",   "S: 2 u2",    "S: .",   "S: +OK",
          "S: 1 25",   "S: 2 9",   "S: .",   "C: RETR 1", "C: RETR 2",  "S: +OK", "S: Subject: one",
          "S: ",       "S: ..dot", "S: .",   "S: +OK",    "S: To: two", "S: .",   "C: DELE 1",
          "C: DELE 2", "S: +OK",   "S: +OK", "C: QUIT",   "S: +OK"}}));
    EXPECT_EQ(told.lines, kToldOfTwo);
}

TEST_F(Pop3SessionTest, DoesNotPipelineWhenToldNotTo) {
    settings.pipelining = false;
    take_two();
    start(joined({login({"S: PIPELINING"}), listing({25, 9}), kFetchAndRemoveTwo}));
    EXPECT_EQ(told.lines, kToldOfTwo);
}

TEST_F(Pop3SessionTest, NumbersEqualUidsByTheirOrder) {
    start(joined({login(),
                  {"C: UIDL", "S: +OK", "S: 1 a", "S: 2 b", "S: 3 a", "S: .", "C: LIST", "S: +OK",
                   "S: 1 10", "S: 2 20", "S: 3 30", "S: ."}}));
    EXPECT_EQ(told.lines, Lines{"listed 1:a#0/10 2:b#0/20 3:a#1/30"});
}

TEST_F(Pop3SessionTest, SaysHowItTalkedToTheServer) {
    start(joined({login(), listing({})}));
    EXPECT_EQ(told.capabilities.transport, "POP3");
    EXPECT_EQ(told.capabilities.peer_address, "192.0.2.1");
    EXPECT_FALSE(told.capabilities.consumes_on_settle);
    EXPECT_FALSE(told.capabilities.min_login_interval);
    EXPECT_EQ(factory->host(), "pop.example");
}

TEST_F(Pop3SessionTest, ReportsExpireZeroAndLoginDelay) {
    start(joined({login({"S: EXPIRE 0", "S: LOGIN-DELAY 300"}), listing({})}));
    EXPECT_TRUE(told.capabilities.consumes_on_settle);
    EXPECT_TRUE(told.capabilities.forbids_keeping);
    EXPECT_EQ(told.capabilities.min_login_interval, Duration(300s));
}

// Gmail: 30 days of mail, whatever was fetched of it.
TEST_F(Pop3SessionTest, AUserOfRecentMailConsumesWhatStaysListed) {
    settings.user = "recent:alice";
    start({"S: +OK hello", "C: CAPA", "S: +OK", "S: EXPIRE 0", "S: .", "C: USER recent:alice",
           "S: +OK", "C: PASS c4n4ry", "S: +OK", "C: CAPA", "S: +OK", "S: EXPIRE 0", "S: .",
           "C: UIDL", "S: +OK", "S: .", "C: LIST", "S: +OK", "S: ."});
    EXPECT_EQ(told.lines, Lines{"listed"});
    EXPECT_TRUE(told.capabilities.consumes_on_settle);
    EXPECT_FALSE(told.capabilities.forbids_keeping);
}

TEST_F(Pop3SessionTest, ExpireOfSomeDaysConsumesNothing) {
    start(joined({login({"S: EXPIRE 30"}), listing({})}));
    EXPECT_FALSE(told.capabilities.consumes_on_settle);
}

TEST_F(Pop3SessionTest, ImplicitTlsIsPartOfTheConnect) {
    settings.tls = TlsMode::implicit;
    start(joined({login(), listing({})}));
    EXPECT_EQ(told.capabilities.transport, "POP3S");
    const net::ConnectRequest& request = peer.requests().front();
    ASSERT_TRUE(request.tls);
    EXPECT_EQ(request.tls->session_key, "account alice");
    EXPECT_EQ(request.tls->server_name, "pop.example");
    EXPECT_EQ(request.deadline, settings.timeouts.connect + settings.timeouts.tls);
}

TEST_F(Pop3SessionTest, StlsComesBeforeAnythingOfTheUser) {
    settings.tls = TlsMode::starttls;
    const Script after_greeting = login();
    start(joined(
        {{"S: +OK hello", "C: CAPA", "S: +OK", "S: STLS", "S: .", "C: STLS", "S: +OK", "tls"},
         Script(after_greeting.begin() + 1, after_greeting.end()),
         listing({})}));
    EXPECT_EQ(told.lines, Lines{"listed"});
    EXPECT_EQ(told.capabilities.transport, "POP3S");
    EXPECT_FALSE(peer.requests().front().tls);
    EXPECT_EQ(peer.requests().front().deadline, settings.timeouts.connect);
}

TEST_F(Pop3SessionTest, ARefusedFetchLeavesTheSessionAlive) {
    start(joined(
        {login(),
         listing({5, 5}),
         {"C: RETR 1", "S: -ERR no such message", "C: RETR 2", "S: +OK", "S: two", "S: ."}}));
    session->fetch(1);
    session->fetch(2);
    loop.run_until_idle();
    EXPECT_EQ(told.lines,
              (Lines{"listed 1:u1#0/5 2:u2#0/5", "not fetched 1", "fetched 2: two\r\n"}));
    EXPECT_NE(told.error.value().text.find("no such message"), std::string::npos);
}

TEST_F(Pop3SessionTest, ARefusedRemovalLeavesTheSessionAlive) {
    start(joined({login(),
                  listing({5, 5}),
                  {"C: DELE 1", "S: -ERR locked", "C: DELE 2", "S: +OK", "C: QUIT", "S: +OK"}}));
    session->remove(1);
    session->remove(2);
    session->settle();
    loop.run_until_idle();
    EXPECT_EQ(told.lines,
              (Lines{"listed 1:u1#0/5 2:u2#0/5", "not removed 1", "removed 2", "settled"}));
}

// P-030
TEST_F(Pop3SessionTest, IdlenessIsBrokenByNoop) {
    start(joined({login(),
                  listing({}),
                  {"C: NOOP", "S: +OK", "C: NOOP", "S: -ERR what", "C: QUIT", "S: +OK"}}));
    EXPECT_EQ(peer.client_bytes(0).find("NOOP"), std::string::npos);
    loop.advance(19s);
    EXPECT_EQ(peer.client_bytes(0).find("NOOP"), std::string::npos);
    loop.advance(1s);
    EXPECT_TRUE(peer.client_bytes(0).ends_with("LIST\r\nNOOP\r\n"));
    loop.advance(20s);
    EXPECT_TRUE(peer.client_bytes(0).ends_with("LIST\r\nNOOP\r\nNOOP\r\n"));
    session->settle();
    loop.run_until_idle();
    EXPECT_EQ(told.lines, (Lines{"listed", "settled"}));
}

TEST_F(Pop3SessionTest, ThereIsNoNoopWhileAnAnswerIsAwaited) {
    start(joined({login(),
                  listing({3}),
                  {"C: RETR 1", "wait 100s", "S: +OK", "S: a", "S: .", "C: QUIT", "S: +OK"}}));
    session->fetch(1);
    loop.advance(100s);
    session->settle();
    loop.run_until_idle();
    EXPECT_EQ(told.lines, (Lines{"listed 1:u1#0/3", "fetched 1: a\r\n", "settled"}));
}

}  // namespace
}  // namespace postrider::source
