#include "net/resolver.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include <gtest/gtest.h>

#include "unit/net/net_test_base.h"

namespace postrider::net {
namespace {

constexpr std::uint8_t kTypeA = 1;
constexpr std::uint8_t kNoSuchName = 3;

using Hosts = std::map<std::string, std::string>;

/// A name server on UDP that knows some names with one IPv4 address each, and no others.
class NameServer {
  public:
    explicit NameServer(Hosts hosts) : hosts_(std::move(hosts)) {
        const Address any = *Address::from_literal("127.0.0.1", 0);
        EXPECT_EQ(::bind(socket_.fd(), any.data(), any.size()), 0);
        const timeval tick{0, 20'000};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
        thread_ = std::thread([this] { serve(); });
    }
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;
    ~NameServer() {
        ending_ = true;
        thread_.join();
    }

    [[nodiscard]] std::string where() const {
        return "127.0.0.1:" + std::to_string(test::port_of(socket_));
    }

  private:
    void serve() {
        while (!ending_) {
            std::string question(512, '\0');
            sockaddr_in from{};
            socklen_t size = sizeof from;
            auto* asker = reinterpret_cast<sockaddr*>(&from);
            const ssize_t count =
                ::recvfrom(socket_.fd(), question.data(), question.size(), 0, asker, &size);
            if (count > 0) {
                question.resize(static_cast<std::size_t>(count));
                const std::string reply = answer(question);
                ::sendto(socket_.fd(), reply.data(), reply.size(), 0, asker, size);
            }
        }
    }

    /// RFC 1035 section 4: the header and the question again, then at most one address.
    [[nodiscard]] std::string answer(const std::string& question) const {
        std::string name;
        std::size_t at = 12;
        while (question[at] != '\0') {
            const auto length = static_cast<unsigned char>(question[at]);
            name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
            at += length + 1;
        }
        const bool asks_ipv4 = question[at + 2] == kTypeA;
        const auto host = hosts_.find(name);
        const bool has_answer = asks_ipv4 && host != hosts_.end();
        std::string reply = question.substr(0, at + 5);
        reply[2] = '\x81';
        reply[3] = static_cast<char>(0x80 | (host == hosts_.end() ? kNoSuchName : 0));
        reply[7] = has_answer ? '\x01' : '\0';
        reply.replace(8, 4, 4, '\0');
        if (has_answer) {
            in_addr address{};
            ::inet_pton(AF_INET, host->second.c_str(), &address);
            const void* bytes = &address;
            reply += std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04", 12);
            reply.append(static_cast<const char*>(bytes), 4);
        }
        return reply;
    }

    Hosts hosts_;
    Socket socket_ = Socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

class AresResolverTest : public NetTest {
  protected:
    Expected<Addresses> resolve(Resolver& resolver, const std::string& host) {
        std::optional<Expected<Addresses>> outcome;
        const auto operation = resolver.resolve(host, 995, [&](Expected<Addresses> result) {
            outcome = std::move(result);
            changed();
        });
        EXPECT_FALSE(outcome.has_value());
        run_until([&] { return outcome.has_value(); });
        return outcome.value_or(failure(Errc::timed_out, Retry::never, "the test gave up"));
    }
};

TEST_F(AresResolverTest, AsksTheNameServer) {
    const NameServer server(Hosts{{"pop.example", "192.0.2.7"}, {"smtp.example", "192.0.2.8"}});
    const auto resolver = make_ares_resolver(*loop, server.where());
    const auto pop = resolve(*resolver, "pop.example");
    ASSERT_TRUE(pop) << pop.error().text;
    ASSERT_EQ(pop->size(), 1U);
    EXPECT_EQ(pop->front().to_text(), "192.0.2.7");
    const auto smtp = resolve(*resolver, "smtp.example");
    ASSERT_TRUE(smtp) << smtp.error().text;
    EXPECT_EQ(smtp->front().to_text(), "192.0.2.8");
}

TEST_F(AresResolverTest, AnUnknownNameIsADnsError) {
    const NameServer server(Hosts{});
    const auto resolver = make_ares_resolver(*loop, server.where());
    const auto result = resolve(*resolver, "pop.example");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::dns);
    EXPECT_EQ(result.error().retry, Retry::later);
    EXPECT_EQ(result.error().text, "there is no host pop.example");
}

TEST_F(AresResolverTest, ADroppedQuestionIsSilentAndOthersGoOn) {
    const NameServer server(Hosts{{"pop.example", "192.0.2.7"}});
    const auto resolver = make_ares_resolver(*loop, server.where());
    bool told = false;
    auto dropped = resolver->resolve("pop.example", 995, [&](auto) { told = true; });
    dropped.reset();
    EXPECT_TRUE(resolve(*resolver, "pop.example"));
    EXPECT_FALSE(told);
}

TEST_F(AresResolverTest, MayEndWhileAnAnswerIsAwaited) {
    // Nothing answers at this port.
    const Socket deaf = test::bound_socket(*Address::from_literal("127.0.0.1", 0));
    auto resolver = make_ares_resolver(*loop, "127.0.0.1:" + std::to_string(test::port_of(deaf)));
    bool told = false;
    auto operation = resolver->resolve("pop.example", 995, [&](auto) { told = true; });
    operation.reset();
    resolver.reset();
    turn_some();
    EXPECT_FALSE(told);
}

}  // namespace
}  // namespace postrider::net
