#include "config/local_destinations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LocalDestinations : public ConfigFiles {
  protected:
    [[nodiscard]] static std::string with(const std::string& destination) {
        return "destinations:\n  local: {" + destination +
               "}\n"
               "accounts:\n"
               "  alice: {host: pop.example, user: a, password: {env: A}, recipients: [a@b],"
               " deliver_to: local}\n";
    }
    [[nodiscard]] std::vector<std::string> faults(const std::string& destination) const {
        return faults_of(with(destination));
    }
    [[nodiscard]] DestinationConfig good(const std::string& destination) const {
        const LoadResult result = load_text(with(destination));
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config ? result.config->destinations.at("local") : DestinationConfig();
    }
};

TEST_F(LocalDestinations, AMaildirHasAPath) {
    const DestinationConfig maildir =
        good("type: maildir, path: '/srv/{account}', line_ends: crlf");
    EXPECT_EQ(maildir.type, DestinationType::maildir);
    EXPECT_EQ(maildir.path.fixed_start(), "/srv/");
    EXPECT_TRUE(maildir.path.has_place("account"));
    EXPECT_EQ(maildir.line_ends, mail::LineEnds::crlf);
    EXPECT_EQ(good("type: maildir, path: mail").path.fixed_start(), path("mail"));
    EXPECT_THAT(faults("type: maildir"), ElementsAre("c.yaml:2:3: destinations.local: needs path"));
    EXPECT_THAT(faults("type: maildir, path: '/srv/{acount}'"),
                ElementsAre("c.yaml:2:32: destinations.local.path: {acount} is not known; did you "
                            "mean {account}?"));
}

TEST_F(LocalDestinations, ACommandHasArguments) {
    const DestinationConfig command = good(
        "type: command, argv: [/bin/x, -d, '{user}'], environment: [PATH, A=1 2], "
        "processes: 2, timeout: 90s");
    EXPECT_EQ(command.type, DestinationType::command);
    ASSERT_EQ(command.argv.size(), 3U);
    EXPECT_TRUE(command.argv[2].has_place("user"));
    EXPECT_THAT(command.environment, ElementsAre("PATH", "A=1 2"));
    EXPECT_EQ(command.processes, 2U);
    EXPECT_EQ(command.timeout, std::chrono::seconds(90));
    EXPECT_THAT(faults("type: command"), ElementsAre("c.yaml:2:3: destinations.local: needs argv"));
    EXPECT_THAT(faults("type: command, argv: []"),
                ElementsAre("c.yaml:2:32: destinations.local.argv: needs a program"));
    EXPECT_THAT(faults("type: command, argv: ['{user}']"),
                ElementsAre("c.yaml:2:33: destinations.local.argv[0]: must name the program as it "
                            "is, without {...}"));
    EXPECT_THAT(faults("type: command, argv: [x], environment: [1A, 'B C']"),
                ElementsAre("c.yaml:2:51: destinations.local.environment[0]: must be the name of "
                            "a variable, or NAME=value",
                            "c.yaml:2:55: destinations.local.environment[1]: must be the name of "
                            "a variable, or NAME=value"));
}

TEST_F(LocalDestinations, KeysOfAnotherTypeAreTold) {
    EXPECT_THAT(faults("type: maildir, path: /m, port: 25"),
                ElementsAre("c.yaml:2:36: destinations.local.port: is not for type: maildir"));
    EXPECT_THAT(faults("type: command, argv: [x], path: /m"),
                ElementsAre("c.yaml:2:37: destinations.local.path: is not for type: command"));
    EXPECT_THAT(faults("type: smtp, host: localhost, path: /m"),
                ElementsAre("c.yaml:2:40: destinations.local.path: is not for type: smtp"));
}

}  // namespace
}  // namespace postrider::config
