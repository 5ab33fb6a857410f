#include "app/metrics/http_server.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postrider::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpServerTest : public ::testing::Test {
  protected:
    HttpServerTest() {
        auto listening = HttpServer::listen(*loop, "127.0.0.1", 0, [](const std::string& path) {
            return path == "/a" ? HttpServer::Answer{200, "the body of a\n"}
                                : HttpServer::Answer{404, "nothing here\n"};
        });
        EXPECT_TRUE(listening);
        server = std::move(*listening);
    }

    /// Everything that is answered to these octets, until the other side ends.
    std::string exchange(std::string_view request) const {
        std::string answer;
        std::thread client([&, port = server->port()] {
            const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(port);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            EXPECT_EQ(::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                      0);
            EXPECT_EQ(::send(peer, request.data(), request.size(), MSG_NOSIGNAL),
                      static_cast<ssize_t>(request.size()));
            std::array<char, 4096> buffer{};
            for (ssize_t got = 1; got > 0;) {
                got = ::recv(peer, buffer.data(), buffer.size(), 0);
                answer.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            }
            ::close(peer);
            loop->post([this] { loop->stop(); });
        });
        loop->run();
        client.join();
        return answer;
    }

    std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    std::unique_ptr<HttpServer> server;
};

TEST_F(HttpServerTest, AnswersByPath) {
    const std::string answer = exchange("GET /a?x=1 HTTP/1.0\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.0 200"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nthe body of a\n"));
    EXPECT_THAT(exchange("GET /b HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 404"));
}

TEST_F(HttpServerTest, TakesNothingButGetAndHead) {
    EXPECT_THAT(exchange("POST /a HTTP/1.0\r\nContent-Length: 1\r\n\r\nx"),
                Not(HasSubstr("the body of a")));
    EXPECT_THAT(exchange("DELETE /a HTTP/1.0\r\n\r\n"), Not(HasSubstr(" 200 ")));
    EXPECT_THAT(exchange("nonsense\r\n\r\n"), Not(HasSubstr(" 200 ")));
    EXPECT_THAT(exchange("HEAD /a HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 200"));
}

TEST_F(HttpServerTest, EndlessHeadersEndTheConnection) {
    EXPECT_THAT(exchange("GET /a HTTP/1.0\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
                Not(HasSubstr("the body of a")));
}

TEST_F(HttpServerTest, AnAddressInUseIsAnErrorThatNamesIt) {
    const auto second =
        HttpServer::listen(*loop, "127.0.0.1", server->port(),
                           [](const std::string& /*path*/) { return HttpServer::Answer{}; });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::config);
    EXPECT_THAT(second.error().text, HasSubstr("metrics.listen"));
}

}  // namespace
}  // namespace postrider::app
