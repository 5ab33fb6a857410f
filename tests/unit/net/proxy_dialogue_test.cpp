#include "net/proxy_dialogue.h"

#include <gtest/gtest.h>

#include "unit/net/net_test_base.h"

namespace postrider::net {
namespace {

using namespace std::string_literals;

/// What a client says to a proxy that answers with these words, one after the other.
struct Told {
    std::vector<std::string> said;
    std::optional<Error> error;
    bool is_done = false;
    std::string left;  ///< of the answers, not taken

    [[nodiscard]] std::string last() const { return said.empty() ? "" : said.back(); }
};

Told talk(const Proxy& proxy, const Endpoint& target, const std::string& answers,
          std::size_t piece) {
    ProxyDialogue dialogue(proxy, target);
    Told told;
    told.said.push_back(dialogue.take_output());
    std::size_t arrived = 0;
    while (arrived < answers.size() && !dialogue.is_done()) {
        const std::size_t more = std::min(piece, answers.size() - arrived);
        told.left += answers.substr(arrived, more);
        arrived += more;
        for (std::size_t taken = 1; taken > 0 && !dialogue.is_done();) {
            const auto result = dialogue.take(told.left);
            if (!result) {
                told.error = result.error();
                return told;
            }
            taken = *result;
            told.left.erase(0, taken);
            if (const std::string output = dialogue.take_output(); !output.empty()) {
                told.said.push_back(output);
            }
        }
    }
    told.is_done = dialogue.is_done();
    told.left += answers.substr(arrived);
    return told;
}

const Endpoint kTarget{"pop.example", 995, ""};

Proxy socks(const std::string& user = {}) {
    return {Proxy::Kind::socks5, {"127.0.0.1", 1080, ""}, user, Secret("open:sesame")};
}
Proxy http(const std::string& user = {}) {
    return {Proxy::Kind::http, {"127.0.0.1", 8080, ""}, user, Secret("open:sesame")};
}

TEST(ProxyDialogue, SocksGivesTheNameOfTheTarget) {
    const Told told = talk(socks(), kTarget, "\5\0\5\0\0\1\0\0\0\0\0\0"s, 100);
    EXPECT_EQ(told.said, (std::vector{"\5\1\0"s, "\5\1\0\3\13pop.example\3\343"s}));
    EXPECT_TRUE(told.is_done);
}

TEST(ProxyDialogue, SocksGivesLiteralsAsAddresses) {
    EXPECT_EQ(talk(socks(), {"192.0.2.1", 110, ""}, "\5\0"s, 100).last(),
              "\5\1\0\1\300\0\2\1\0\156"s);
    EXPECT_EQ(talk(socks(), {"2001:db8::1", 110, ""}, "\5\0"s, 100).last(),
              "\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\156"s);
}

TEST(ProxyDialogue, SocksLogsInWhereThatIsAskedFor) {
    const Told told = talk(socks("alice"), kTarget, "\5\2\1\0\5\0\0\3\3abc\0\0"s, 100);
    EXPECT_EQ(told.said, (std::vector{"\5\2\0\2"s, "\1\5alice\13open:sesame"s,
                                      "\5\1\0\3\13pop.example\3\343"s}));
    EXPECT_TRUE(told.is_done);
    EXPECT_EQ(talk(socks("alice"), kTarget, "\5\0"s, 100).last(), "\5\1\0\3\13pop.example\3\343"s)
        << "a proxy that asks for none gets none";
}

TEST(ProxyDialogue, GoesTheSameAtEverySplitAndTakesNothingOfTheServers) {
    const std::string answers[] = {
        "\5\2\1\0\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0+OK ready\r\n"s,
        "HTTP/1.1 200 go\r\nA: b\r\n\r\n+OK ready\r\n"s};
    const Proxy proxies[] = {socks("alice"), http("alice")};
    for (std::size_t kind = 0; kind < 2; ++kind) {
        const Told whole = talk(proxies[kind], kTarget, answers[kind], 1000);
        EXPECT_TRUE(whole.is_done);
        EXPECT_EQ(whole.left, "+OK ready\r\n");
        for (std::size_t piece = 1; piece < answers[kind].size(); ++piece) {
            const Told told = talk(proxies[kind], kTarget, answers[kind], piece);
            EXPECT_EQ(told.said, whole.said) << piece;
            EXPECT_EQ(told.left, whole.left) << piece;
        }
    }
}

TEST(ProxyDialogue, HttpConnects) {
    const Told told = talk(http(), {"2001:db8::1", 995, ""}, "HTTP/1.0 200 OK\r\n\r\n", 100);
    EXPECT_EQ(told.last(), "CONNECT [2001:db8::1]:995 HTTP/1.1\r\nHost: [2001:db8::1]:995\r\n\r\n");
    EXPECT_TRUE(told.is_done);
}

TEST(ProxyDialogue, HttpLogsInByBasic) {
    EXPECT_EQ(talk(http("alice"), kTarget, "", 100).last(),
              "CONNECT pop.example:995 HTTP/1.1\r\nHost: pop.example:995\r\n"
              "Proxy-Authorization: Basic YWxpY2U6b3BlbjpzZXNhbWU=\r\n\r\n");
}

TEST(ProxyDialogue, ALoginThatIsNotTakenNeedsAPerson) {
    for (const auto& [proxy, answer] : {std::pair{socks(), "\5\xff"s},
                                        {socks(), "\5\2"s},
                                        {socks("alice"), "\5\xff"s},
                                        {socks("alice"), "\5\2\1\1"s},
                                        {http(), "HTTP/1.1 407 who?\r\n\r\n"s},
                                        {http("alice"), "HTTP/1.1 407 who?\r\n\r\n"s},
                                        {http("alice"), "HTTP/1.0 401 who?\r\n\r\n"s}}) {
        const Told told = talk(proxy, kTarget, answer, 100);
        ASSERT_TRUE(told.error);
        EXPECT_EQ(told.error->code, Errc::config) << told.error->text;
        EXPECT_EQ(told.error->retry, Retry::never);
        EXPECT_EQ(told.error->text.find("sesame"), std::string::npos);
    }
}

TEST(ProxyDialogue, ATargetThatCannotBeReachedMayBeLater) {
    const Told refused = talk(socks(), kTarget, "\5\0\5\5\0\1\0\0\0\0\0\0"s, 100);
    EXPECT_EQ(refused.error->code, Errc::network);
    EXPECT_EQ(refused.error->text, "connection refused");
    EXPECT_EQ(talk(socks(), kTarget, "\5\0\5\x63"s, 100).error->text, "it has failed (99)");
    const Told bad = talk(http(), kTarget, "HTTP/1.1 502 Bad\x1bGateway\r\n\r\n", 100);
    EXPECT_EQ(bad.error->code, Errc::network);
    EXPECT_EQ(bad.error->text, "it answers HTTP/1.1 502 Bad\\x1bGateway");
}

TEST(ProxyDialogue, WhatIsNoProxyIsToldAndBounded) {
    for (const auto& [proxy, answer] : {std::pair{socks(), "+OK pop\r\n"s},
                                        {socks(), "\5\7"s},
                                        {socks("alice"), "\5\1"s},
                                        {socks(), "\5\0\4\0"s},
                                        {socks(), "\5\0\5\0\0\2zzzzz"s},
                                        {http(), "220 mx\r\n\r\n"s},
                                        {http(), "HTTP/1.1 20\r\n\r\n"s},
                                        {http(), "\r\n\r\n"s}}) {
        const Told told = talk(proxy, kTarget, answer, 100);
        ASSERT_TRUE(told.error) << answer;
        EXPECT_EQ(told.error->code, Errc::protocol) << told.error->text;
    }
    const std::string bytes(ProxyDialogue::kMaxReply - 1, 'x');
    EXPECT_FALSE(talk(http(), kTarget, bytes, 1000).error);
    EXPECT_EQ(talk(http(), kTarget, bytes + "x", 1000).error->code, Errc::limit);
}

/// Connections through a proxy that the test plays.
class ProxyTest : public NetTest {
  protected:
    static ConnectRequest through(std::uint16_t port, Proxy proxy) {
        ConnectRequest request;
        request.endpoint = {"pop.example", 110, ""};
        proxy.endpoint.port = port;
        request.via.proxy = std::move(proxy);
        return request;
    }
};

TEST_F(ProxyTest, ConnectsAndHandsOnWhatTheServerSays) {
    std::string asked;
    test::TestServer server([&asked](test::ServerEnd& end) {
        asked = end.read_line();
        while (!end.read_line().empty()) {
        }
        end.send("HTTP/1.1 200 go\r\n\r\n+OK ready\r\n");
        asked += " " + end.read_line();
    });
    ASSERT_FALSE(connect(through(server.port(), http())));
    run_until([this] { return recorder.received == "+OK ready\r\n"; });
    EXPECT_TRUE(stream->peer().is_proxied);
    EXPECT_FALSE(is_on_this_machine(stream->peer()));
    stream->write("CAPA\r\n");
    turn_some();
    server.join();
    EXPECT_EQ(asked, "CONNECT pop.example:110 HTTP/1.1 CAPA");
}

TEST_F(ProxyTest, AProxyThatHangsUpOrCannotBeReachedIsNamed) {
    test::TestServer server([](test::ServerEnd& end) { end.close(); });
    const auto gone = connect(through(server.port(), socks()));
    ASSERT_TRUE(gone);
    EXPECT_NE(gone->text.find("proxy 127.0.0.1:"), std::string::npos) << gone->text;
    const net::Socket unused = test::bound_socket(*Address::from_literal("127.0.0.1", 0));
    const auto refused = connect(through(test::port_of(unused), socks()));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, Errc::network);
    EXPECT_NE(refused->text.find("proxy 127.0.0.1:"), std::string::npos) << refused->text;
    EXPECT_NE(refused->text.find("pop.example:110"), std::string::npos) << refused->text;
}

TEST_F(ProxyTest, TheDeadlineHoldsForTheProxyToo) {
    test::TestServer server([](test::ServerEnd& end) { (void)end.read_to_end(); });
    ConnectRequest request = through(server.port(), socks());
    request.deadline = 50ms;
    const auto late = connect(request);
    ASSERT_TRUE(late);
    EXPECT_EQ(late->code, Errc::timed_out);
    EXPECT_NE(late->text.find("asking the proxy"), std::string::npos) << late->text;
}

// P-008: plain bytes behind the proxy's answer never become part of a session under TLS.
TEST_F(ProxyTest, NothingPlainStandsBetweenTheProxysAnswerAndTls) {
    test::TestServer server([](test::ServerEnd& end) {
        while (!end.read_line().empty()) {
        }
        end.send("HTTP/1.1 200 go\r\n\r\n+OK injected\r\n");
        (void)end.read_to_end();
    });
    ConnectRequest request = through(server.port(), http());
    request.tls = TlsSettings{"pop.example", "", "account alice"};
    const auto error = connect(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::protocol) << error->text;
}

TEST_F(NetTest, ConnectsFromTheSourceAddress) {
    std::string from;
    test::TestServer server([&from](test::ServerEnd& end) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ::getpeername(end.fd(), reinterpret_cast<sockaddr*>(&peer), &size);
        from = Address(reinterpret_cast<sockaddr*>(&peer), size).to_text();
    });
    ConnectRequest request;
    request.endpoint = {"127.0.0.1", server.port(), ""};
    request.via.source_address = "127.0.0.9";
    ASSERT_FALSE(connect(request));
    server.join();
    EXPECT_EQ(from, "127.0.0.9");

    request.via.source_address = "192.0.2.1";
    const auto foreign = connect(request);
    ASSERT_TRUE(foreign);
    EXPECT_NE(foreign->text.find("source address 192.0.2.1"), std::string::npos) << foreign->text;
    request.via.source_address = "::1";
    const auto other = connect(request);
    ASSERT_TRUE(other);
    EXPECT_NE(other->text.find("not of the family"), std::string::npos) << other->text;
}

}  // namespace
}  // namespace postrider::net
