#include "postrider/net/connector.h"

#include <filesystem>
#include <future>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/connect_race.h"
#include "net/connector_parts.h"
#include "unit/net/net_test_base.h"

namespace postrider::net {
namespace {

Address literal(const std::string& host, std::uint16_t port = 0) {
    return *Address::from_literal(host, port);
}

Addresses literals(const std::vector<std::string>& hosts) {
    Addresses addresses;
    addresses.reserve(hosts.size());
    for (const std::string& host : hosts) {
        addresses.push_back(literal(host));
    }
    return addresses;
}

std::string texts(const Addresses& addresses) {
    std::string text;
    for (const Address& address : addresses) {
        text += address.to_text() + " ";
    }
    return text;
}

/// Answers every question with what the test has put there; or never.
class FakeResolver final : public Resolver {
  public:
    explicit FakeResolver(event::Loop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<event::Operation> resolve(const std::string& host,
                                                            std::uint16_t /*port*/,
                                                            Done done) override {
        asked = host;
        auto answering = std::make_unique<Answering>();
        if (answer) {
            answering->timer =
                loop_.make_timer([answer = *answer, done = std::move(done)] { done(answer); });
            answering->timer->arm(0ms);
        }
        return answering;
    }

    std::optional<Expected<Addresses>> answer;
    std::string asked;

  private:
    struct Answering final : event::Operation {
        std::unique_ptr<event::Timer> timer;
    };
    event::Loop& loop_;
};

class ConnectorTest : public NetTest {
  protected:
    ConnectorTest() {
        auto fake = std::make_unique<FakeResolver>(*loop);
        resolver = fake.get();
        connector = make_connector_with(*loop, std::move(fake));
    }

    std::optional<Error> connect_to_name(std::uint16_t port, Duration deadline = 5s) {
        ConnectRequest request;
        request.endpoint = {"pop.example", port, ""};
        request.deadline = deadline;
        return connect(request);
    }

    /// A port on which nothing listens while the socket lives.
    [[nodiscard]] static Socket bound_but_deaf(const std::string& host) {
        return test::bound_socket(literal(host));
    }

    FakeResolver* resolver;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(Endpoint, TextHasBracketsAroundAnIpv6Literal) {
    EXPECT_EQ((Endpoint{"pop.example", 995, ""}).to_text(), "pop.example:995");
    EXPECT_EQ((Endpoint{"::1", 25, ""}).to_text(), "[::1]:25");
    EXPECT_EQ((Endpoint{"", 0, "/run/lmtp"}).to_text(), "/run/lmtp");
}

TEST(Address, KnowsLiteralsAndPaths) {
    EXPECT_EQ(literal("192.0.2.1", 25).to_text(), "192.0.2.1");
    EXPECT_EQ(literal("2001:db8::1", 25).to_text(), "2001:db8::1");
    EXPECT_FALSE(Address::from_literal("pop.example", 25));
    EXPECT_FALSE(Address::from_literal("192.0.2", 25));
    EXPECT_EQ(Address::from_unix_path("/run/lmtp")->to_text(), "/run/lmtp");
    EXPECT_TRUE(Address::from_unix_path(std::string(107, 'x')));
    EXPECT_FALSE(Address::from_unix_path(std::string(108, 'x')));
}

TEST(HappyEyeballs, FamiliesTakeTurnsBeginningWithTheFirst) {
    EXPECT_EQ(texts(interleaved(literals({"::1", "::2", "::3", "192.0.2.1", "192.0.2.2"}))),
              "::1 192.0.2.1 ::2 192.0.2.2 ::3 ");
    EXPECT_EQ(texts(interleaved(literals({"192.0.2.1", "192.0.2.2", "::1"}))),
              "192.0.2.1 ::1 192.0.2.2 ");
    EXPECT_EQ(texts(interleaved(literals({"192.0.2.1"}))), "192.0.2.1 ");
    EXPECT_EQ(texts(interleaved({})), "");
}

TEST_F(ConnectorTest, ALiteralNeedsNoResolver) {
    test::TestServer server([](test::ServerEnd& end) { end.send("hi"); });
    ASSERT_FALSE(connect_to(server.port()));
    EXPECT_EQ(resolver->asked, "");
}

TEST_F(ConnectorTest, SocketsAreTunedForDialogues) {
    test::TestServer server([](test::ServerEnd& end) { static_cast<void>(end.read_to_end()); });
    auto socket = begin_connect(literal("127.0.0.1", server.port()));
    ASSERT_TRUE(socket);
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket->fd(), IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    EXPECT_NE(value, 0);
    EXPECT_EQ(::getsockopt(socket->fd(), SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
    EXPECT_NE(value, 0);
}

// P-033
TEST_F(ConnectorTest, ADeadFirstAddressGivesWayToTheNext) {
    test::TestServer server([](test::ServerEnd& end) { end.send("hi"); });
    // 127.0.0.2 refuses the port at once.
    resolver->answer =
        Addresses{literal("127.0.0.2", server.port()), literal("127.0.0.1", server.port())};
    const auto error = connect_to_name(server.port());
    ASSERT_FALSE(error) << error->text;
    EXPECT_EQ(resolver->asked, "pop.example");
    EXPECT_EQ(stream->peer().address, "127.0.0.1");
}

TEST_F(ConnectorTest, ADeadFamilyGivesWayToTheOther) {
    test::TestServer server([](test::ServerEnd& end) { end.send("hi"); });
    const Socket deaf = bound_but_deaf("127.0.0.1");
    resolver->answer =
        Addresses{literal("::1", test::port_of(deaf)), literal("127.0.0.1", server.port())};
    const auto error = connect_to_name(server.port());
    ASSERT_FALSE(error) << error->text;
}

TEST_F(ConnectorTest, ASilentFirstAddressIsOvertakenAfterTheAttemptDelay) {
    test::TestServer server([](test::ServerEnd& end) { end.send("hi"); });
    // A listener whose queue is full leaves further connects without an answer.
    const Socket full = bound_but_deaf("127.0.0.1");
    ASSERT_EQ(::listen(full.fd(), 0), 0);
    const Address silent = literal("127.0.0.1", test::port_of(full));
    const auto first = begin_connect(silent);
    const auto second = begin_connect(silent);
    resolver->answer = Addresses{silent, literal("127.0.0.1", server.port())};
    const MonotonicTime begun = loop->now();
    const auto error = connect_to_name(server.port());
    ASSERT_FALSE(error) << error->text;
    EXPECT_GE(loop->now() - begun, ConnectRace::kAttemptDelay);
    EXPECT_LT(loop->now() - begun, 3s);
}

TEST(Chosen, KeepsOrPrefersAVersionOfIp) {
    const Addresses both = literals({"::1", "192.0.2.1", "::2", "192.0.2.2"});
    EXPECT_EQ(texts(chosen(both, IpVersion::any)), "::1 192.0.2.1 ::2 192.0.2.2 ");
    EXPECT_EQ(texts(chosen(both, IpVersion::only_4)), "192.0.2.1 192.0.2.2 ");
    EXPECT_EQ(texts(chosen(both, IpVersion::only_6)), "::1 ::2 ");
    EXPECT_EQ(texts(chosen(both, IpVersion::prefer_4)), "192.0.2.1 192.0.2.2 ::1 ::2 ");
    EXPECT_EQ(texts(chosen(both, IpVersion::prefer_6)), "::1 ::2 192.0.2.1 192.0.2.2 ");
}

TEST_F(ConnectorTest, AHostWithoutAnAddressOfTheVersionThatIsWantedIsNotConnectedTo) {
    resolver->answer = Addresses{literal("127.0.0.1", 110)};
    ConnectRequest request;
    request.endpoint = {"pop.example", 110, ""};
    request.via.ip_version = IpVersion::only_6;
    const auto error = connect(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::dns);
    EXPECT_NE(error->text.find("IPv6"), std::string::npos) << error->text;
}

TEST_F(ConnectorTest, AllFailuresAreToldInOneText) {
    const Socket deaf = bound_but_deaf("127.0.0.1");
    const std::uint16_t port = test::port_of(deaf);
    resolver->answer = Addresses{literal("127.0.0.1", port), literal("127.0.0.2", port)};
    const auto error = connect_to_name(port);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::network);
    EXPECT_EQ(error->retry, Retry::later);
    EXPECT_EQ(error->text, "pop.example:" + std::to_string(port) +
                               ": 127.0.0.1: connection refused; 127.0.0.2: connection refused");
}

TEST_F(ConnectorTest, AHostWithoutAddressIsADnsError) {
    resolver->answer = failure(Errc::dns, Retry::later, "there is no host pop.example");
    const auto error = connect_to_name(995);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::dns);
    EXPECT_EQ(error->text, "pop.example:995: there is no host pop.example");
}

TEST_F(ConnectorTest, TheDeadlineCoversTheLookup) {
    const auto error = connect_to_name(995, 20ms);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::timed_out);
    EXPECT_EQ(error->retry, Retry::later);
    EXPECT_EQ(error->text, "pop.example:995: no connection within 20ms, looking up the address");
}

TEST_F(ConnectorTest, TheDeadlineCoversTheConnecting) {
    const Socket full = bound_but_deaf("127.0.0.1");
    ASSERT_EQ(::listen(full.fd(), 0), 0);
    const Address silent = literal("127.0.0.1", test::port_of(full));
    const auto first = begin_connect(silent);
    const auto second = begin_connect(silent);
    resolver->answer = Addresses{silent};
    const auto error = connect_to_name(995, 250ms);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::timed_out);
    EXPECT_SAYS(error->text, "connecting (127.0.0.1: no answer)");
}

TEST_F(ConnectorTest, TheDeadlineCoversTheHandshake) {
    test::TestServer silent([](test::ServerEnd& end) { static_cast<void>(end.read_to_end()); });
    ConnectRequest request;
    request.endpoint = {"127.0.0.1", silent.port(), ""};
    request.tls = TlsSettings{"pop.example", "", ""};
    request.deadline = 250ms;
    const auto error = connect(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::timed_out);
    EXPECT_SAYS(error->text, "in the TLS handshake");
}

TEST_F(ConnectorTest, TlsIsVerifiedAgainstTheHostIfNoNameIsGiven) {
    test::TestCertificates certificates;
    const SslCtxPtr context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer server([&](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        EXPECT_EQ(end.server_name(), "pop.example");
    });
    resolver->answer = Addresses{literal("127.0.0.1", server.port())};
    ConnectRequest request;
    request.endpoint = {"pop.example", server.port(), ""};
    request.tls = TlsSettings{"", certificates.ca_file(), ""};
    const auto error = connect(request);
    EXPECT_FALSE(error) << error->text;
}

TEST_F(ConnectorTest, ADestroyedConnectIsSilentAtEveryStage) {
    test::TestServer server([](test::ServerEnd& end) { static_cast<void>(end.read_to_end()); }, 8);
    resolver->answer = Addresses{literal("127.0.0.1", server.port())};
    bool told = false;
    for (int turns = 0; turns < 6; ++turns) {
        ConnectRequest request;
        request.endpoint = {"pop.example", server.port(), ""};
        request.tls = TlsSettings{"pop.example", "", ""};
        auto operation = connector->connect(request, [&](auto) { told = true; });
        for (int i = 0; i < turns; ++i) {
            loop->defer([this] { loop->stop(); });
            loop->run();
        }
        operation.reset();
    }
    turn_some();
    EXPECT_FALSE(told);
}

TEST_F(ConnectorTest, ItsOperationMayBeDestroyedInTheCompletion) {
    test::TestServer server([](test::ServerEnd& end) { end.send("hi"); });
    std::unique_ptr<event::Operation> operation;
    ConnectRequest request;
    request.endpoint = {"127.0.0.1", server.port(), ""};
    operation = connector->connect(request, [&](auto result) {
        operation.reset();
        stream = std::move(*result);
        loop->stop();
    });
    loop->run();
    EXPECT_NE(stream, nullptr);
}

TEST_F(ConnectorTest, AStreamMayOutliveItsConnector) {
    test::TestServer server([](test::ServerEnd& end) { end.send(end.read_line()); });
    ASSERT_FALSE(connect_to(server.port()));
    connector.reset();
    stream->write("still here\r\n");
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "still here");
}

TEST_F(ConnectorTest, ConnectsToAUnixSocket) {
    test::TestCertificates directory;  // for its directory alone
    const std::string path =
        (std::filesystem::path(directory.ca_file()).parent_path() / "lmtp").string();
    test::TestServer server(
        *Address::from_unix_path(path), [](test::ServerEnd& end) { end.send(end.read_line()); }, 1);
    ConnectRequest request;
    request.endpoint.unix_path = path;
    ASSERT_FALSE(connect(request));
    EXPECT_EQ(stream->peer().address, path);
    stream->write("LHLO\r\n");
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "LHLO");
}

TEST_F(ConnectorTest, AMissingUnixSocketIsNamed) {
    ConnectRequest request;
    request.endpoint.unix_path = "/nonexistent/lmtp";
    auto error = connect(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::network);
    EXPECT_EQ(error->text, "/nonexistent/lmtp: no such file or directory");
    request.endpoint.unix_path = std::string(200, 'x');
    error = connect(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->retry, Retry::never);
}

TEST_F(NetTest, TheResolverKnowsTheHostsFile) {
    test::TestServer server([](test::ServerEnd& end) { end.send("hi"); });
    ConnectRequest request;
    request.endpoint = {"localhost", server.port(), ""};
    const auto error = connect(request);
    ASSERT_FALSE(error) << error->text;
    EXPECT_EQ(stream->peer().address, "127.0.0.1");
}

TEST_F(NetTest, ANameThatIsNoneIsADnsError) {
    ConnectRequest request;
    request.endpoint = {"no..such..name", 25, ""};
    const auto error = connect(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::dns);
    EXPECT_SAYS(error->text, "no..such..name");
}

TEST_F(NetTest, ALookupMayBeDroppedAndTheConnectorWithIt) {
    ConnectRequest request;
    request.endpoint = {"host.invalid", 25, ""};
    bool told = false;
    auto operation = connector->connect(request, [&](auto) { told = true; });
    turn_some();
    operation.reset();
    connector.reset();
    turn_some();
    EXPECT_FALSE(told);
}

}  // namespace
}  // namespace postrider::net
