#include "support/scripted_peer.h"

#include <optional>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "unit/net/recorder.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;

/// A client of the scripted server with one connection at a time.
class ScriptedPeerTest : public testing::Test {
  protected:
    void connect(std::optional<TlsSettings> tls = std::nullopt) {
        ConnectRequest request;
        request.endpoint = {"mail.example", 25, ""};
        request.tls = std::move(tls);
        operation = peer->connect(request, [this](Expected<std::unique_ptr<ByteStream>> result) {
            if (result) {
                stream = std::move(*result);
                stream->attach(&recorder);
                recorder.stream = stream.get();
            } else {
                error = result.error();
            }
        });
        loop.run_until_idle();
    }

    test::SimLoop loop;
    std::unique_ptr<test::ScriptedPeer> peer = std::make_unique<test::ScriptedPeer>(loop);
    std::unique_ptr<event::Operation> operation;
    test::Recorder recorder;
    std::unique_ptr<ByteStream> stream;
    std::optional<Error> error;
};

TEST_F(ScriptedPeerTest, PlaysADialogue) {
    peer->then({"S: +OK", "C: USER u", "wait 30s", "S: +OK", "close"});
    connect();
    EXPECT_EQ(recorder.received, "+OK\r\n");
    stream->write("USER u\r\n");
    loop.advance(29s);
    EXPECT_EQ(recorder.received, "+OK\r\n");
    loop.advance(1s);
    EXPECT_EQ(recorder.received, "+OK\r\n+OK\r\n");
    ASSERT_TRUE(recorder.closed);
    EXPECT_EQ(recorder.closed->code, Errc::closed);
    EXPECT_EQ(peer->client_bytes(0), "USER u\r\n");
}

TEST_F(ScriptedPeerTest, StepsThatFollowEachOtherArriveTogetherUnlessSplit) {
    peer->then({"S: one", "S: two"});
    connect();
    EXPECT_EQ(recorder.pieces, 1);
    stream.reset();
    recorder.reset();
    peer->split_into(1);
    peer->then({"S: one", "R: two"});
    connect();
    EXPECT_EQ(recorder.pieces, 8);
    EXPECT_EQ(recorder.received, "one\r\ntwo");
}

TEST_F(ScriptedPeerTest, ServesSeveralConnectionsInARow) {
    peer->then({"connect-fails network nobody listens"});
    peer->then({"S: hello", "reset"});
    connect();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::network);
    EXPECT_EQ(error->text, "nobody listens");
    connect(TlsSettings{});
    EXPECT_TRUE(stream->is_encrypted());
    EXPECT_EQ(recorder.received, "hello\r\n");
    ASSERT_TRUE(recorder.closed);
    EXPECT_EQ(recorder.closed->code, Errc::network);
    EXPECT_EQ(peer->requests().size(), 2U);
}

TEST_F(ScriptedPeerTest, AHangingConnectEndsWithItsDeadline) {
    peer->then({"connect-hangs"});
    connect();
    loop.advance(29s);
    EXPECT_FALSE(error);
    loop.advance(1s);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::timed_out);
}

TEST_F(ScriptedPeerTest, StartsTlsOrFailsIt) {
    peer->then({"C: STLS", "S: +OK", "tls", "C: CAPA"});
    peer->then({"tls-fail certificate expired"});
    connect();
    stream->write("STLS\r\n");
    loop.run_until_idle();
    std::optional<Expected<void>> outcome;
    stream->start_tls({}, [&](Expected<void> result) { outcome = std::move(result); });
    EXPECT_FALSE(outcome);
    loop.run_until_idle();
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(outcome->has_value());
    EXPECT_TRUE(stream->is_encrypted());
    stream->write("CAPA\r\n");
    stream.reset();
    connect();
    stream->start_tls({}, [&](Expected<void> result) { outcome = std::move(result); });
    loop.run_until_idle();
    ASSERT_FALSE(outcome->has_value());
    EXPECT_EQ(outcome->error().code, Errc::tls);
    EXPECT_EQ(outcome->error().text, "certificate expired");
}

TEST_F(ScriptedPeerTest, RefusesTlsBehindInjectedBytes) {
    recorder.consumes = false;
    peer->then({"C: STLS", "S: +OK", "S: +OK injected", "closed"});
    connect();
    stream->write("STLS\r\n");
    loop.run_until_idle();
    std::optional<Expected<void>> outcome;
    stream->start_tls({}, [&](Expected<void> result) { outcome = std::move(result); });
    loop.run_until_idle();
    ASSERT_TRUE(outcome && !outcome->has_value());
    EXPECT_EQ(outcome->error().code, Errc::protocol);
}

TEST_F(ScriptedPeerTest, OffersNothingWhilePausedAndTheEndLast) {
    peer->then({"C: go", "S: late", "close"});
    connect();
    stream->pause_reading();
    stream->pause_reading();
    stream->write("go\r\n");
    loop.run_until_idle();
    stream->resume_reading();
    loop.run_until_idle();
    EXPECT_EQ(recorder.received, "");
    EXPECT_FALSE(recorder.closed);
    stream->resume_reading();
    loop.run_until_idle();
    EXPECT_EQ(recorder.received, "late\r\n");
    EXPECT_TRUE(recorder.closed);
}

TEST_F(ScriptedPeerTest, TakesABodyUpToItsLastLine) {
    peer->then({"P: EHLO", "until .", "X: raw", "S: 250 ok"});
    connect();
    stream->write("EHLO me\r\nSubject: x\r\n\r\nbody\r\n.\r\nraw");
    loop.run_until_idle();
    EXPECT_EQ(recorder.received, "250 ok\r\n");
}

TEST_F(ScriptedPeerTest, TellsWhenOutputIsLowAgain) {
    peer->then({"S: hi"});
    connect();
    stream->write(std::string(ByteStream::kOutputHighMark, 'x'));
    EXPECT_EQ(recorder.output_low, 0);
    loop.run_until_idle();
    EXPECT_EQ(recorder.output_low, 1);
    EXPECT_EQ(stream->output_pending(), 0U);
}

TEST_F(ScriptedPeerTest, OtherBytesThanExpectedFailTheTest) {
    peer->then({"C: USER u"});
    connect();
    EXPECT_NONFATAL_FAILURE(
        {
            stream->write("USER v\r\n");
            loop.run_until_idle();
        },
        "the client sent: USER v");
    EXPECT_TRUE(recorder.closed);
}

TEST_F(ScriptedPeerTest, ClosingTooEarlyFailsTheTest) {
    peer->then({"C: QUIT"});
    connect();
    EXPECT_NONFATAL_FAILURE(stream.reset(), "the client has closed the connection");
}

TEST_F(ScriptedPeerTest, AScriptNeverAskedForFailsTheTest) {
    peer->then({"S: +OK"});
    EXPECT_NONFATAL_FAILURE(peer.reset(), "scripts that no connection has asked for");
}

TEST_F(ScriptedPeerTest, AConnectionWithoutAScriptFailsTheTest) {
    EXPECT_NONFATAL_FAILURE(connect(), "has no script");
    EXPECT_TRUE(error);
}

TEST_F(ScriptedPeerTest, ADestroyedConnectIsSilent) {
    peer->then({"S: +OK"});
    bool called = false;
    operation = peer->connect({}, [&](auto) { called = true; });
    operation.reset();
    loop.run_until_idle();
    EXPECT_FALSE(called);
}

}  // namespace
}  // namespace postrider::net
