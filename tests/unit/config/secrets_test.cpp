#include "postrider/config/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Secrets : public ConfigFiles {
  protected:
    Secrets() { environment_.variables["PATH"] = "/usr/bin:/bin"; }

    [[nodiscard]] Config config_with(const std::string& password) const {
        std::string text(kGood);
        text.replace(text.find("{env: ALICE}"), 12, password);
        LoadResult result = load_text(text);
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return std::move(*result.config);
    }

    [[nodiscard]] std::string resolved(const std::string& password) const {
        Config config = config_with(password);
        EXPECT_THAT(texts(resolve_secrets(config, environment_)), IsEmpty());
        return std::string(config.accounts.front().password.reveal());
    }

    /// What resolving tells, without the place, which is the same for all.
    [[nodiscard]] std::string told(const std::string& password) const {
        Config config = config_with(password);
        const auto lines = texts(resolve_secrets(config, environment_));
        EXPECT_TRUE(config.accounts.front().password.empty());
        return without_place(lines);
    }

    [[nodiscard]] std::string told_by_check(const std::string& password) const {
        return without_place(texts(check_files(config_with(password), environment_)));
    }

    [[nodiscard]] static std::string without_place(const std::vector<std::string>& lines) {
        const std::string place = "c.yaml:7:15: accounts.alice.password: ";
        if (lines.size() != 1 || !lines.front().starts_with(place)) {
            return "not one line at the right place";
        }
        return lines.front().substr(place.size());
    }
};

TEST_F(Secrets, PlainOneIsThereFromTheStart) {
    EXPECT_EQ(resolved("12345"), "12345");
    EXPECT_EQ(resolved("'null'"), "null");
}

TEST_F(Secrets, FileGivesItsFirstLine) {
    for (const std::string_view content : {"s3cret", "s3cret\n", "s3cret\r\n", "s3cret\nmore\n"}) {
        write("secret", content);
        EXPECT_EQ(resolved("{file: secret}"), "s3cret") << content;
    }
    write("secret", " s 3 \n");
    EXPECT_EQ(resolved("{file: secret}"), " s 3 ") << "blanks belong to a password";
}

//
TEST_F(Secrets, FileMustBeThereAndPrivateAndFit) {
    EXPECT_EQ(told("{file: none}"), "none cannot be opened: No such file or directory");
    std::filesystem::create_directory(path("creds"));
    EXPECT_EQ(told("{file: creds}"), "creds is not a regular file");
    write("secret", "canary\n", 0644);
    const std::string exposed =
        "secret: others than its owner can get at it (mode 0644): chmod 600 secret";
    EXPECT_EQ(told("{file: secret}"), exposed);
    EXPECT_EQ(told_by_check("{file: secret}"), exposed);
    write("secret", "\ncanary");
    EXPECT_EQ(told("{file: secret}"), "the password is empty");
    write("secret", std::string("can\0ary", 7));
    EXPECT_THAT(told("{file: secret}"), HasSubstr("the password holds a line end or a NUL"));
    EXPECT_THAT(told_by_check("{file: secret}"), HasSubstr("the password holds"));
}

TEST_F(Secrets, FileHasALimit) {
    write("secret", std::string(kMaxSecret, 'x'));
    EXPECT_EQ(resolved("{file: secret}").size(), kMaxSecret);
    write("secret", std::string(kMaxSecret + 1, 'x'));
    EXPECT_EQ(told("{file: secret}"), "secret is larger than 64.0 KiB");
}

TEST_F(Secrets, VariableGivesItsWholeValue) {
    environment_.variables["ALICE"] = "s3cret";
    EXPECT_EQ(resolved("{env: ALICE}"), "s3cret");
    EXPECT_EQ(told("{env: BOB}"), "environment variable BOB is not set");
    EXPECT_EQ(told_by_check("{env: BOB}"), "environment variable BOB is not set");
    environment_.variables["ALICE"] = "two\nlines";
    EXPECT_THAT(told("{env: ALICE}"), HasSubstr("the password holds a line end"));
}

TEST_F(Secrets, CredentialComesFromTheDirectoryOfSystemd) {
    EXPECT_THAT(told("{credential: alice}"), HasSubstr("CREDENTIALS_DIRECTORY is not set"));
    write("creds/alice", "s3cret\n", 0440);
    environment_.variables["CREDENTIALS_DIRECTORY"] = path("creds");
    EXPECT_EQ(resolved("{credential: alice}"), "s3cret");
    EXPECT_EQ(told("{credential: bob}"), "creds/bob cannot be opened: No such file or directory");
}

TEST_F(Secrets, CommandGivesTheFirstLineOfItsOutput) {
    EXPECT_EQ(resolved("{command: [printf, '%s\\nmore', 's3 \"cret\"$HOME']}"), "s3 \"cret\"$HOME");
    write("helper", "#!/bin/sh\necho \"$1-$HOME\"\n", 0700);
    EXPECT_EQ(resolved("{command: [./helper, x]}"), "x-/home/tester");
}

TEST_F(Secrets, CommandFailuresShowItsComplaintAndNeverItsOutput) {
    EXPECT_EQ(told("{command: [sh, -c, 'echo canary; printf \"no\\033key\\n\" >&2; exit 3']}"),
              "sh ended with status 3, saying: no\\x1bkey");
    EXPECT_EQ(told("{command: [sh, -c, 'kill -9 $$']}"), "sh was ended by signal 9");
    EXPECT_EQ(told("{command: [no-such-program-here]}"),
              "no-such-program-here there is no such program, or it cannot be run");
    EXPECT_EQ(told("{command: ['true']}"), "the password is empty");
}

//
TEST_F(Secrets, CommandsDoNotInheritPasswordsOfTheEnvironment) {
    const std::string text =
        "destinations: {local: {host: localhost}}\n"
        "defaults: {host: h, user: u, recipients: [x], deliver_to: local}\n"
        "accounts:\n"
        "  a: {password: {env: CANARY}}\n"
        "  b: {password: {command: [sh, -c, 'echo \"[$CANARY]\"']}}\n";
    environment_.variables["CANARY"] = "s3cret";
    auto result = load_text(text);
    ASSERT_TRUE(result.config);
    EXPECT_THAT(resolve_secrets(*result.config, environment_), IsEmpty());
    EXPECT_EQ(result.config->accounts[0].password.reveal(), "s3cret");
    EXPECT_EQ(result.config->accounts[1].password.reveal(), "[]");
}

//
TEST_F(Secrets, ThoseOfDestinationsCanBeHadAlone) {
    const std::string text =
        "destinations:\n"
        "  mx: {host: mx.example, user: u, password: {env: OF_MX}}\n"
        "defaults: {host: h, user: u, recipients: [x], deliver_to: mx}\n"
        "accounts:\n"
        "  a: {password: {env: OF_A}}\n"
        "  b: {token: {env: OF_B}}\n";
    environment_.variables["OF_MX"] = "s3cret";
    auto result = load_text(text);
    ASSERT_TRUE(result.config);
    EXPECT_THAT(resolve_destination_secrets(*result.config, environment_), IsEmpty());
    EXPECT_EQ(result.config->destinations.at("mx").password.reveal(), "s3cret");
    EXPECT_TRUE(result.config->accounts[0].password.empty());
    EXPECT_THAT(secret_variables(*result.config), ElementsAre("OF_A", "OF_B", "OF_MX"));
    environment_.variables.clear();
    EXPECT_THAT(texts(resolve_destination_secrets(*result.config, environment_)),
                ElementsAre(HasSubstr("destinations.mx.password: environment variable OF_MX")));
}

TEST_F(Secrets, OnlyThoseOfTheNamedAccountsAreFetched) {
    Config config = config_with("{env: BOB}");
    const std::vector<std::string> others = {"carol"};
    EXPECT_THAT(resolve_secrets(config, environment_, others), IsEmpty());
    const std::vector<std::string> named = {"carol", "alice"};
    EXPECT_EQ(resolve_secrets(config, environment_, named).size(), 1U);
}

TEST_F(Secrets, CheckRunsNoCommand) {
    const std::string mark = path("ran");
    const std::string touch = "{command: [touch, '" + mark + "']}";
    EXPECT_THAT(check_files(config_with(touch), environment_), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(mark));
    EXPECT_EQ(told_by_check("{command: [./none]}"),
              "none there is no such program, or it cannot be run");
}

TEST_F(Secrets, CheckLooksForTrustStores) {
    auto result = load_text(
        "destinations: {local: {host: mx.example, tls_ca_file: one.pem}}\n"
        "defaults: {host: h, user: u, recipients: [x], deliver_to: local}\n"
        "accounts:\n"
        "  a: {password: x, tls_ca_file: two.pem}\n"
        "  b: {password: x, tls_ca_file: three.pem}\n");
    write("three.pem", "", 0644);
    ASSERT_TRUE(result.config);
    EXPECT_THAT(texts(check_files(*result.config, environment_)),
                ElementsAre("c.yaml:1:16: destinations.local.tls_ca_file: one.pem cannot be "
                            "opened: No such file or directory",
                            "c.yaml:4:3: accounts.a.tls_ca_file: two.pem cannot be opened: No such "
                            "file or directory"));
}

}  // namespace
}  // namespace postrider::config
