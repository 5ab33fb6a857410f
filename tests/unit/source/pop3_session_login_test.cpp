// What a session does for its login beside the dialogue: tokens, keys and their waits.
#include <string>

#include <gtest/gtest.h>

#include "session_fixture.h"

namespace postrider::source {
namespace {

class Pop3SessionLoginTest : public SessionTest {
  protected:
    Pop3SessionLoginTest() {
        settings.auth = pop3::AuthMethod::xoauth2;
        settings.tls = TlsMode::implicit;
        settings.password = {};
    }

    static Script capa(const std::string& sasl) {
        return {"S: +OK hello", "C: CAPA", "S: +OK", "S: UIDL", "S: SASL " + sasl, "S: ."};
    }
};

//
TEST_F(Pop3SessionLoginTest, FetchesTheTokenForEverySession) {
    int fetched = 0;
    settings.fetch_token = [&fetched]() -> Expected<Secret> {
        return Secret("t" + std::to_string(++fetched));
    };
    // user=alice^Aauth=Bearer t1^A^A, and t2.
    for (const char* const response :
         {"C: dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0MQEB", "C: dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0MgEB"}) {
        peer.then(joined(
            {capa("XOAUTH2"), {"C: AUTH XOAUTH2", "S: +", response, "S: -ERR no", "closed"}}));
    }
    factory = make_pop3_source(loop, worker, peer, settings);
    for (int i = 1; i <= 2; ++i) {
        session = factory->open(told, {});
        session->start();
        EXPECT_EQ(fetched, i - 1) << "not from inside start()";
        loop.run_until_idle();
        EXPECT_EQ(told.error->code, Errc::login_refused);
    }
    EXPECT_EQ(worker.jobs_run(), 2U);
}

// without a token there is no connection.
TEST_F(Pop3SessionLoginTest, ATokenThatCannotBeHadEndsTheSessionBeforeItConnects) {
    settings.fetch_token = []() -> Expected<Secret> {
        return failure(Errc::busy, Retry::later, "token: helper ended with status 1");
    };
    factory = make_pop3_source(loop, worker, peer, settings);
    session = factory->open(told, {});
    session->start();
    loop.run_until_idle();
    EXPECT_EQ(told.lines, (Lines{"failed"}));
    EXPECT_EQ(told.error->text, "token: helper ended with status 1");
    EXPECT_TRUE(peer.requests().empty());
}

TEST_F(Pop3SessionLoginTest, DestroyedWhileTheTokenIsFetchedItTellsNothing) {
    settings.fetch_token = []() -> Expected<Secret> { return Secret(std::string("t")); };
    factory = make_pop3_source(loop, worker, peer, settings);
    session = factory->open(told, {});
    session->start();
    session.reset();
    loop.run_until_idle();
    EXPECT_TRUE(told.lines.empty());
    EXPECT_TRUE(peer.requests().empty());
}

/// A worker that never comes to an end.
class StuckWorker final : public event::Worker {
  public:
    std::unique_ptr<event::Operation> run(std::function<void()> /*job*/,
                                          std::function<void()> /*done*/) override {
        return std::make_unique<event::Operation>();
    }
};

// P-029
TEST_F(Pop3SessionLoginTest, TheSessionDeadlineHoldsForTheTokenToo) {
    StuckWorker stuck;
    settings.fetch_token = []() -> Expected<Secret> { return Secret(); };
    factory = make_pop3_source(loop, stuck, peer, settings);
    session = factory->open(told, {});
    session->start();
    started = loop.now();
    EXPECT_EQ(lasted(), settings.timeouts.session);
    EXPECT_EQ(told.error->code, Errc::timed_out);
}

// P-010, A-001: a name of this machine is no proof that this machine was reached.
TEST_F(Pop3SessionLoginTest, WithoutTlsItSpeaksToNobodyBeyondThisMachine) {
    settings.auth = pop3::AuthMethod::automatic;
    settings.password = Secret("c4n4ry");
    settings.tls = TlsMode::none;
    settings.allow_cleartext = false;
    start({"S: +OK hello", "closed"});
    EXPECT_EQ(told.error->code, Errc::config);
    EXPECT_EQ(told.error->retry, Retry::never);
    EXPECT_NE(told.error->text.find("allow_cleartext: true"), std::string::npos);
    EXPECT_EQ(peer.client_bytes(0), "");
}

/// A server's side of SCRAM up to its first message. It cannot know the nonce beforehand: it says
/// one that cannot go on from it.
TEST_F(Pop3SessionLoginTest, ScramEndsWithAServerThatAnswersAnotherNonce) {
    settings.auth = pop3::AuthMethod::scram_sha_256;
    settings.password = Secret("c4n4ry");
    // r=x,s=QQ==,i=4096
    start(joined({capa("SCRAM-SHA-256"),
                  {"P: AUTH SCRAM-SHA-256 ", "S: + cj14LHM9UVE9PSxpPTQwOTY=", "C: *", "S: -ERR no",
                   "closed"}}));
    EXPECT_EQ(told.error->code, Errc::protocol);
    EXPECT_EQ(worker.jobs_run(), 0U);
}

}  // namespace
}  // namespace postrider::source
