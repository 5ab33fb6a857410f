// The upgrade of a plain stream to TLS, and the attacks on it (P-008, A-004).
#include <future>

#include <gtest/gtest.h>

#include "unit/net/tls_test_base.h"

namespace postrider::net {
namespace {

class StartTlsTest : public TlsTest {
  protected:
    /// Greets in plain text, takes one command, answers it with `answer`, and does `after`.
    void serve_plain(const std::string& answer, std::function<void(test::ServerEnd&)> after) {
        context = test::server_context(certificates.make_for("pop.example"));
        server = std::make_unique<test::TestServer>(
            [answer, after = std::move(after)](test::ServerEnd& end) {
                end.send("+OK\r\n");
                static_cast<void>(end.read_line());
                end.send(answer);
                after(end);
            });
    }

    /// Connects, asks for TLS and takes the first line of the answer.
    void ask() {
        ASSERT_FALSE(connect_to(server->port()));
        run_until([this] { return recorder.received == "+OK\r\n"; });
        recorder.consumes = false;
        stream->write("STLS\r\n");
        run_until([this] { return stream->input().starts_with("+OK\r\n"); });
        stream->consume(5);
    }
};

TEST_F(StartTlsTest, UpgradesAPlainStream) {
    serve_plain("+OK\r\n", [this](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        end.send("secret\r\n");
        static_cast<void>(end.read_to_end());
    });
    ask();
    const auto outcome = start_tls(settings_for("pop.example"));
    ASSERT_TRUE(outcome) << outcome.error().text;
    EXPECT_TRUE(stream->is_encrypted());
    run_until([this] { return stream->input() == "secret\r\n"; });
    stream.reset();
}

TEST_F(StartTlsTest, BytesInjectedInTheSameSegmentAreRefused) {
    serve_plain("+OK\r\n+OK injected\r\n",
                [](test::ServerEnd& end) { EXPECT_EQ(end.read_to_end(), ""); });
    ask();
    EXPECT_EQ(stream->input(), "+OK injected\r\n");
    const auto outcome = start_tls(settings_for("pop.example"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::protocol);
    EXPECT_FALSE(stream->is_encrypted());
    stream.reset();
    server->join();
}

TEST_F(StartTlsTest, BytesThatWaitInTheSocketAreRefused) {
    std::promise<void> injected;
    std::promise<void> inject;
    // A Unix socket: what the server has sent is in the client's socket at once.
    const std::string path =
        (std::filesystem::path(certificates.ca_file()).parent_path() / "socket").string();
    test::TestServer server_on_path(
        *Address::from_unix_path(path),
        [&](test::ServerEnd& end) {
            EXPECT_EQ(end.read_line(), "STLS");
            end.send("+OK\r\n");
            inject.get_future().wait();
            end.send("+OK injected\r\n");
            injected.set_value();
            EXPECT_EQ(end.read_to_end(), "");
        },
        1);
    ConnectRequest request;
    request.endpoint.unix_path = path;
    ASSERT_FALSE(connect(request));
    stream->write("STLS\r\n");
    run_until([this] { return recorder.received == "+OK\r\n"; });
    inject.set_value();
    injected.get_future().wait();  // it is in the socket now, but the loop has not turned
    const auto outcome = start_tls(settings_for("pop.example"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::protocol);
    stream.reset();
    server_on_path.join();
}

TEST_F(StartTlsTest, BytesInjectedAfterTheHandshakeHasBegunFailIt) {
    serve_plain("+OK\r\n", [](test::ServerEnd& end) {
        char first = 0;
        EXPECT_EQ(::recv(end.fd(), &first, 1, MSG_PEEK), 1);  // the ClientHello
        end.send("+OK injected\r\n");
        static_cast<void>(end.read_to_end());
    });
    ask();
    const auto outcome = start_tls(settings_for("pop.example"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::tls);
    EXPECT_FALSE(stream->is_encrypted());
    stream.reset();
}

TEST_F(StartTlsTest, AWrongCertificateFailsItForGood) {
    serve_plain("+OK\r\n", [this](test::ServerEnd& end) { end.start_tls(*context); });
    ask();
    const auto outcome = start_tls(settings_for("other.example"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::tls);
    EXPECT_EQ(outcome.error().retry, Retry::never);
    turn_some();
    EXPECT_EQ(recorder.ends, 0);
}

TEST_F(StartTlsTest, ADestroyedStreamDoesNotTellTheOutcome) {
    serve_plain("+OK\r\n", [this](test::ServerEnd& end) { end.start_tls(*context); });
    ask();
    bool told = false;
    stream->start_tls(settings_for("pop.example"), [&](const Expected<void>&) { told = true; });
    stream.reset();
    turn_some();
    EXPECT_FALSE(told);
}

TEST_F(StartTlsTest, WithoutANameToVerifyThereIsNoTls) {
    serve_plain("+OK\r\n", [](test::ServerEnd& end) { EXPECT_EQ(end.read_to_end(), ""); });
    ask();
    const auto outcome = start_tls({"", certificates.ca_file(), ""});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::tls);
    stream.reset();
}

}  // namespace
}  // namespace postrider::net
