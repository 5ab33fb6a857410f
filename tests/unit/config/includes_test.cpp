// Several files: include, and defaults merged under every account.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kDestination = "destinations: {local: {host: localhost}}\n";

std::string account(const std::string& name, const std::string& more = "") {
    return "  " + name + ": {host: h, user: u, password: {env: E}, recipients: [x]" + more + "}\n";
}

std::vector<std::string> names(const LoadResult& result) {
    std::vector<std::string> out;
    for (const AccountConfig& a : result.config.value_or(Config()).accounts) {
        out.push_back(a.name);
    }
    return out;
}

class Includes : public ConfigFiles {};

TEST_F(Includes, AreReadInSortedOrderFromTheDirectoryOfTheFile) {
    write("conf.d/b.yaml", "accounts:\n" + account("b2") + account("b1"));
    write("conf.d/a.yaml", "accounts:\n" + account("a"));
    write("conf.d/ignored.txt", "]");
    write("extra.yaml", "defaults: {deliver_to: local}\n");
    const auto result = load_text("include: [conf.d/*.yaml, extra.yaml, none.d/*.yaml]\n" +
                                  std::string(kDestination) + "accounts:\n" + account("main"));
    EXPECT_THAT(texts(result.problems), IsEmpty());
    EXPECT_THAT(names(result), ElementsAre("main", "a", "b2", "b1"));
}

TEST_F(Includes, SameAccountInTwoFilesNamesBothPlaces) {
    write("a.yaml", "accounts:\n" + account("x"));
    const auto faults = faults_of("include: [a.yaml]\n" + std::string(kDestination) +
                                  "defaults: {deliver_to: local}\naccounts:\n" + account("x"));
    EXPECT_THAT(faults, ElementsAre("a.yaml:2:3: accounts.x: is already defined in c.yaml:5:3"));
}

TEST_F(Includes, SameAccountTwiceInAFileNamesBothPlaces) {
    EXPECT_THAT(faults_of(std::string(kDestination) + "defaults: {deliver_to: local}\naccounts:\n" +
                          account("x") + account("x")),
                ElementsAre("c.yaml:5:3: accounts.x: is already defined in c.yaml:4:3"));
}

TEST_F(Includes, SameDestinationOrDefaultInTwoFilesNamesBothPlaces) {
    write("a.yaml", "destinations: {local: {host: '::1'}}\ndefaults: {deliver_to: local}\n");
    const auto faults = faults_of("include: [a.yaml]\n" + std::string(kDestination) +
                                  "defaults: {deliver_to: local}\naccounts:\n" + account("x"));
    EXPECT_THAT(faults, ElementsAre("a.yaml:1:16: destinations.local: is already defined in "
                                    "c.yaml:2:16",
                                    "a.yaml:2:12: defaults.deliver_to: is already set in "
                                    "c.yaml:3:12"));
}

TEST_F(Includes, HoldOnlyDestinationsDefaultsAndAccounts) {
    write("a.yaml", "state_dir: /x\ninclude: [b.yaml]\nacounts: {}\nmetrics: {}\n");
    EXPECT_THAT(faults_of("include: [a.yaml]\n" + std::string(kGood)),
                ElementsAre("a.yaml:1:12: state_dir: can only stand in the main file, c.yaml",
                            "a.yaml:2:10: include: can only stand in the main file, c.yaml",
                            "a.yaml:3:1: acounts: unknown key; did you mean 'accounts'?",
                            "a.yaml:4:10: metrics: can only stand in the main file, c.yaml"));
}

TEST_F(Includes, AFileThatCannotBeReadIsToldAlone) {
    write("conf.d/a.yaml", "destinations: {local: [\n");
    write("conf.d/b.yaml", "tls: *x\n");
    EXPECT_THAT(faults_of("include: [conf.d/*]\naccounts: {a: {deliver_to: local}}\n"),
                ElementsAre("conf.d/a.yaml:2:1: this is not YAML: end of sequence flow not found",
                            "conf.d/b.yaml:1:6: this is not YAML: the referenced anchor is not "
                            "defined"));
}

TEST_F(Includes, AFileIsReadOnceThoughTwoPatternsMatchIt) {
    write("a.yaml", "accounts:\n" + account("x", ", deliver_to: local"));
    const auto result =
        load_text("include: [a.yaml, '*.yaml', c.yaml]\n" + std::string(kDestination));
    EXPECT_THAT(texts(result.problems), IsEmpty());
    EXPECT_THAT(names(result), ElementsAre("x"));
}

TEST_F(Includes, WorkBelowADirectoryWithTheCharactersOfPatterns) {
    write("[odd]*/c.yaml", "include: [conf.d/*.yaml]\n" + std::string(kDestination));
    write("[odd]*/conf.d/a.yaml", "accounts:\n" + account("x", ", deliver_to: local"));
    EXPECT_THAT(names(load(path("[odd]*/c.yaml"), environment_)), ElementsAre("x"));
}

TEST_F(Includes, PathsStartAtTheFileTheyStandIn) {
    write("conf.d/a.yaml",
          "accounts:\n  x: {host: h, user: u, password: {file: ../secrets/x}, recipients: [x], "
          "deliver_to: local, tls_ca_file: ca.pem}\n");
    const auto result = load_text("include: [conf.d/a.yaml]\n" + std::string(kDestination));
    ASSERT_TRUE(result.config) << texts(result.problems).front();
    const AccountConfig& x = result.config->accounts.front();
    EXPECT_EQ(x.tls_ca_file, path("conf.d/ca.pem"));
    EXPECT_THAT(x.password_source.words, ElementsAre(path("secrets/x")));
    EXPECT_EQ(x.password_source.place.file, path("conf.d/a.yaml"));
}

class Defaults : public ConfigFiles {};

TEST_F(Defaults, AreMergedUnderEveryAccountKeyByKey) {
    write("a.yaml",
          "defaults: {deliver_to: local, delete_after: now, recipients: [all],\n"
          "           timeouts: {login: 10s, quit: 20s}, tls: starttls}\n");
    const auto result = load_text(
        "include: [a.yaml]\n" + std::string(kDestination) +
        "accounts:\n"
        "  x: {host: h, user: u, password: {env: E}, timeouts: {quit: 1s}, delete_after: never}\n"
        "  y: {host: h, user: u, password: {env: E}, tls: implicit, recipients: [one]}\n");
    ASSERT_TRUE(result.config) << texts(result.problems).front();
    const AccountConfig& x = result.config->accounts.at(0);
    EXPECT_EQ(x.deliver_to, std::vector<std::string>{"local"});
    EXPECT_EQ(x.delete_after, std::nullopt);
    EXPECT_EQ(x.timeouts.login, std::chrono::seconds(10));
    EXPECT_EQ(x.timeouts.quit, std::chrono::seconds(1));
    EXPECT_EQ(x.timeouts.connect, std::chrono::seconds(30));
    EXPECT_EQ(x.tls, Tls::starttls);
    EXPECT_EQ(x.port, 110);
    EXPECT_EQ(x.recipients.front().text(), "all");
    const AccountConfig& y = result.config->accounts.at(1);
    EXPECT_EQ(y.delete_after, Duration::zero());
    EXPECT_EQ(y.port, 995);
    ASSERT_EQ(y.recipients.size(), 1U);
    EXPECT_EQ(y.recipients.front().text(), "one");
}

TEST_F(Defaults, AFaultInThemIsToldOnceHoweverManyAccountsThereAre) {
    EXPECT_THAT(faults_of(std::string(kDestination) + "defaults: {deliver_to: nowhere}\n" +
                          "accounts:\n" + account("a") + account("b")),
                ElementsAre("c.yaml:2:24: defaults.deliver_to: 'nowhere' is none of: local"));
}

TEST_F(Defaults, CleartextFromThemIsToldAtTheAccountItReaches) {
    EXPECT_THAT(faults_of(std::string(kDestination) +
                          "defaults: {deliver_to: local, tls: none}\naccounts:\n" + account("a")),
                ElementsAre("c.yaml:4:3: accounts.a.tls: 'none' would show the password and all "
                            "mail to the network on the way to the server; only with "
                            "allow_cleartext: true"));
}

}  // namespace
}  // namespace postrider::config
