#include "config/logins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postrider/config/secrets.h"

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Logins : public ConfigFiles {
  protected:
    Logins() { environment_.variables["PATH"] = "/usr/bin:/bin"; }

    /// An account with these lines besides.
    [[nodiscard]] static std::string account(const std::string& lines) {
        return "destinations: {local: {host: localhost}}\n"
               "defaults: {host: h, user: u, recipients: [x], deliver_to: local}\n"
               "accounts:\n"
               "  a: {" +
               lines + "}\n";
    }

    [[nodiscard]] Config resolved(const std::string& lines) {
        auto result = load_text(account(lines));
        EXPECT_THAT(texts(result.problems), IsEmpty());
        EXPECT_THAT(texts(resolve_secrets(*result.config, environment_)), IsEmpty());
        return std::move(*result.config);
    }
};

// P-012 to P-015, Q-008
TEST_F(Logins, EveryWayHasItsWord) {
    const std::pair<const char*, Auth> ways[] = {
        {"auto, password: p", Auth::automatic},
        {"user, password: p", Auth::user},
        {"apop, password: p", Auth::apop},
        {"plain, password: p", Auth::plain},
        {"login, password: p", Auth::login},
        {"cram-md5, password: p", Auth::cram_md5},
        {"scram-sha-1, password: p", Auth::scram_sha_1},
        {"scram-sha-256, password: p", Auth::scram_sha_256},
        {"scram-sha-1-plus, password: p", Auth::scram_sha_1_plus},
        {"scram-sha-256-plus, password: p", Auth::scram_sha_256_plus},
        {"external, tls_client_certificate: c.pem", Auth::external},
        {"xoauth2, token: {env: T}", Auth::xoauth2},
        {"oauthbearer, token: {command: [./t]}", Auth::oauthbearer}};
    for (const auto& [lines, auth] : ways) {
        const auto result = load_text(account("auth: " + std::string(lines)));
        ASSERT_THAT(texts(result.problems), IsEmpty()) << lines;
        EXPECT_EQ(result.config->accounts.front().auth, auth);
    }
}

TEST_F(Logins, NeedTheirProofAndLeaveNoneWithoutUse) {
    const auto told = [this](const std::string& lines) {
        return texts(load_text(account(lines)).problems);
    };
    EXPECT_THAT(told("auth: xoauth2, password: p"),
                ElementsAre("c.yaml:4:3: accounts.a.token: is missing: where the access token for "
                            "this auth lies: {command: [...]}"));
    EXPECT_THAT(told("token: {env: T}, password: p"),
                ElementsAre("c.yaml:4:14: accounts.a.token: and password are two ways to log in: "
                            "take one out, or set auth"));
    EXPECT_THAT(told("auth: plain, token: {env: T}"),
                ElementsAre("c.yaml:4:3: accounts.a.password: is missing: this auth takes one, and "
                            "no token or certificate"));
    EXPECT_THAT(told("auth: external"),
                ElementsAre("c.yaml:4:3: accounts.a.tls_client_certificate: is missing: auth: "
                            "external is the login by it"));
    EXPECT_THAT(told("password: p, tls_client_key: k.pem"),
                ElementsAre("c.yaml:4:3: accounts.a.tls_client_certificate: is missing: "
                            "tls_client_key is the key of one"));
    EXPECT_THAT(told("password: p, tls: none, host: localhost, tls_client_certificate: c.pem"),
                ElementsAre("c.yaml:4:72: accounts.a.tls_client_certificate: is shown in TLS only, "
                            "and tls is none"));
    EXPECT_THAT(told("token: secret"),
                ElementsAre("c.yaml:4:14: accounts.a.token: must be one of {command: [...], "
                            "timeout: ...}, {file: ...}, {env: ...}, {credential: ...}"));
    EXPECT_THAT(told("token: {command: [t], lifetime: 1h}"),
                ElementsAre("c.yaml:4:14: accounts.a.token: a token is fetched for every session: "
                            "lifetime is for passwords"));
    for (const char* const good :
         {"auth: plain, password: p, token: {env: T}", "token: {command: [t], timeout: 20s}",
          "auth: xoauth2, password: p, token: {env: T}", "tls_client_certificate: c.pem",
          "password: p, tls_client_certificate: c.pem", "auth: apop, password: p"}) {
        EXPECT_THAT(told(good), IsEmpty()) << good;
    }
}

// P-009, P-012: the greeting comes before TLS.
TEST_F(Logins, ApopIsNotForStarttls) {
    EXPECT_THAT(texts(load_text(account("auth: apop, password: p, tls: starttls")).problems),
                ElementsAre("c.yaml:4:13: accounts.a.auth: 'apop' proves itself by the greeting, "
                            "which with tls: starttls comes before TLS and cannot be trusted; use "
                            "tls: implicit or another auth"));
}

TEST_F(Logins, TheKeyOfACertificateIsInTheSameFileUnlessSaidOtherwise) {
    const auto one = load_text(account("tls_client_certificate: c.pem"));
    EXPECT_EQ(one.config->accounts.front().tls_client_key, path("c.pem"));
    const auto two = load_text(account("tls_client_certificate: c.pem, tls_client_key: k.pem"));
    EXPECT_EQ(two.config->accounts.front().tls_client_key, path("k.pem"));
}

//
TEST_F(Logins, TheKeyMustBePrivate) {
    write("c.pem", "", 0644);
    write("k.pem", "", 0644);
    auto result = load_text(account("tls_client_certificate: c.pem, tls_client_key: k.pem"));
    const auto expect_told = [](const std::vector<std::string>& lines) {
        ASSERT_EQ(lines.size(), 1U);
        EXPECT_EQ(lines[0].substr(0, 46), "c.yaml:4:3: accounts.a.tls_client_key: k.pem: ")
            << lines[0];
    };
    expect_told(texts(check_files(*result.config, environment_)));
    expect_told(texts(resolve_secrets(*result.config, environment_)));
    write("k.pem", "", 0600);
    EXPECT_THAT(check_files(*result.config, environment_), IsEmpty());
}

// other than a password it is read for every session.
TEST_F(Logins, ATokenIsFetchedAnewEachTime) {
    write("token", "one\n");
    const Config config = resolved("token: {file: token}");
    const auto& fetch = config.accounts.front().fetch_token.run;
    ASSERT_TRUE(fetch);
    EXPECT_EQ(fetch()->reveal(), "one");
    write("token", " two \r\n");
    EXPECT_EQ(fetch()->reveal(), "two");
    write("token", "two", 0644);
    EXPECT_EQ(fetch().error().code, Errc::config);
}

//
TEST_F(Logins, ACommandThatFailsMayFailForNow) {
    const Config config = resolved("token: {command: [sh, -c, 'echo no network >&2; exit 3']}");
    const auto token = config.accounts.front().fetch_token.run();
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, Errc::busy);
    EXPECT_EQ(token.error().retry, Retry::later);
    EXPECT_EQ(token.error().text, "token: sh ended with status 3, saying: no network");
}

TEST_F(Logins, ATokenOf16KiBComesThrough) {
    const Config config =
        resolved("token: {command: [sh, -c, 'head -c 16384 /dev/zero | tr \"\\0\" t']}");
    EXPECT_EQ(config.accounts.front().fetch_token.run()->reveal(), std::string(16384, 't'));
}

//
TEST_F(Logins, CommandsDoNotInheritTokensOfTheEnvironment) {
    environment_.variables["CANARY"] = "t0ken";
    auto result = load_text(account("token: {env: CANARY}") +
                            "  b: {token: {command: [sh, -c, 'echo \"[$CANARY]\"']}}\n");
    ASSERT_TRUE(result.config);
    EXPECT_THAT(resolve_secrets(*result.config, environment_), IsEmpty());
    EXPECT_EQ(result.config->accounts[0].fetch_token.run()->reveal(), "t0ken");
    EXPECT_EQ(result.config->accounts[1].fetch_token.run()->reveal(), "[]");
}

TEST_F(Logins, CheckLooksForTokens) {
    const auto result = load_text(account("token: {file: none}"));
    EXPECT_THAT(texts(check_files(*result.config, environment_)),
                ElementsAre("c.yaml:4:14: accounts.a.token: none cannot be opened: No such file or "
                            "directory"));
}

}  // namespace
}  // namespace postrider::config
