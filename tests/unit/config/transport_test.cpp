#include "config/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Transport : public ConfigFiles {
  protected:
    [[nodiscard]] LoadResult with(const std::string& lines) {
        return load_text(
            "destinations: {local: {host: localhost}}\n"
            "accounts:\n"
            "  a: {host: h.example, user: u, password: p, recipients: [x], deliver_to: local, " +
            lines + "}\n");
    }
};

TEST_F(Transport, IsAProgramWithItsArguments) {
    const auto result = with("transport: {command: [ssh, -W, 'h.example:110', gateway]}");
    ASSERT_THAT(texts(result.problems), IsEmpty());
    EXPECT_THAT(result.config->accounts.front().transport_command,
                ElementsAre("ssh", "-W", "h.example:110", "gateway"));
}

TEST_F(Transport, NeedsAProgram) {
    for (const char* const wrong :
         {"transport: {}", "transport: {command: []}", "transport: ssh",
          "transport: {command: ssh}", "transport: {command: ['']}", "transport: {run: [ssh]}"}) {
        EXPECT_THAT(texts(with(wrong).problems), ElementsAre(HasSubstr("transport"))) << wrong;
    }
}

TEST_F(Transport, IsNotBesideAProxy) {
    EXPECT_THAT(texts(with("transport: {command: [ssh]}, proxy: {type: socks5, host: p}").problems),
                ElementsAre(HasSubstr("transport: and proxy are two ways")));
}

// P-010: what is said to a program does not leave this machine.
TEST_F(Transport, MayDoWithoutTls) {
    EXPECT_THAT(texts(with("tls: none").problems), ElementsAre(HasSubstr("allow_cleartext")));
    EXPECT_THAT(texts(with("tls: none, transport: {command: [ssh]}").problems), IsEmpty());
}

}  // namespace
}  // namespace postrider::config
