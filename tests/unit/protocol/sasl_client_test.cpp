#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/protocol/sasl/client.h"

namespace postrider::sasl {
namespace {

Secret secret(std::string text) {
    return Secret(std::move(text));
}

Expected<Client> start(std::string_view mechanism, std::string user, Secret with) {
    return Client::start(mechanism, {.user = std::move(user), .secret = std::move(with)});
}

TEST(SaslClient, PlainAnswersTheEmptyFirstChallengeWithUserAndPassword) {
    auto client = start("PLAIN", "tim", secret("tanstaaftanstaaf"));
    ASSERT_TRUE(client);
    const auto response = client->respond("");
    ASSERT_TRUE(response);
    // RFC 4616 section 4, the first example.
    EXPECT_EQ(response->reveal(), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
}

TEST(SaslClient, PlainCarriesEightBitOctetsAsTheyAre) {
    auto client = start("PLAIN", "\xc3\xa4", secret("\xc3\xb6"));
    ASSERT_TRUE(client);
    const auto response = client->respond("");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->reveal(), "AMOkAMO2");
}

// P-014
TEST(SaslClient, PlainRefusesAChallengeWhereTheClientBegins) {
    auto client = start("PLAIN", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    const auto response = client->respond("aGVsbG8=");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::protocol);
}

// P-014
TEST(SaslClient, PlainIsNotSaidTwice) {
    auto client = start("PLAIN", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->respond(""));
    const auto again = client->respond("");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::protocol);
}

TEST(SaslClient, CramMd5AnswersTheChallengeOfTheServer) {
    auto client = start("CRAM-MD5", "tim", secret("tanstaaftanstaaf"));
    ASSERT_TRUE(client);
    // RFC 2195 section 2.
    const auto response =
        client->respond("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->reveal(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
}

TEST(SaslClient, CramMd5TellsAnUnfitPasswordBeforeItAsksTheServer) {
    for (const std::string& unfit : {std::string("hunter\x07"), std::string("hun\0ter", 7)}) {
        const auto client = start("CRAM-MD5", "tim", secret(unfit));
        ASSERT_FALSE(client);
        EXPECT_EQ(client.error().code, Errc::config);
        EXPECT_EQ(client.error().retry, Retry::never);
        EXPECT_NE(client.error().text.find("set auth to plain"), std::string::npos);
        EXPECT_EQ(client.error().text.find("hun"), std::string::npos);
    }
}

// P-014
TEST(SaslClient, RefusesWhatIsNoBase64) {
    for (const std::string& challenge :
         {std::string("!!!!"), std::string("YQ"), std::string("YWJj\0YWJj", 9)}) {
        auto client = start("CRAM-MD5", "tim", secret("hunter2"));
        ASSERT_TRUE(client);
        const auto response = client->respond(challenge);
        ASSERT_FALSE(response) << challenge;
        EXPECT_EQ(response.error().code, Errc::protocol);
        EXPECT_EQ(response.error().text.find("hunter2"), std::string::npos);
    }
}

// P-014, A-010
TEST(SaslClient, RefusesAChallengeOneOctetOverTheLimit) {
    auto client = start("CRAM-MD5", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    const auto response = client->respond(std::string(kMaxChallenge + 1, 'A'));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::protocol);
    EXPECT_NE(response.error().text.find("65536"), std::string::npos);
}

TEST(SaslClient, TakesAChallengeOfJustTheLimit) {
    auto client = start("CRAM-MD5", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->respond(std::string(kMaxChallenge, 'A')));
}

TEST(SaslClient, LoginAnswersBothQuestionsWhateverTheySay) {
    auto client = start("LOGIN", "tim", secret("tanstaaftanstaaf"));
    ASSERT_TRUE(client);
    EXPECT_FALSE(client_begins("LOGIN"));
    EXPECT_EQ(client->respond("VXNlcm5hbWU6")->reveal(), "dGlt");
    EXPECT_FALSE(client->is_satisfied());
    EXPECT_EQ(client->respond("")->reveal(), "dGFuc3RhYWZ0YW5zdGFhZg==");
    EXPECT_TRUE(client->is_satisfied());
    EXPECT_FALSE(client->respond(""));
}

TEST(SaslClient, ExternalSaysWhoItWantsToBe) {
    auto client = start("EXTERNAL", "tim", {});
    ASSERT_TRUE(client);
    EXPECT_EQ(client->respond("")->reveal(), "dGlt");
    EXPECT_TRUE(client->is_satisfied());
    auto nobody = start("EXTERNAL", "", {});
    ASSERT_TRUE(nobody);
    EXPECT_EQ(nobody->respond("")->reveal(), "");
}

// P-015
TEST(SaslClient, ScramIsNotSatisfiedBeforeTheServerHasProvedItself) {
    for (const char* const mechanism : {"SCRAM-SHA-1", "SCRAM-SHA-256"}) {
        auto client = start(mechanism, "user", secret("pencil"));
        ASSERT_TRUE(client);
        ASSERT_TRUE(client->respond(""));
        EXPECT_FALSE(client->is_satisfied());
        EXPECT_FALSE(client->key_for("!!!"));
        EXPECT_FALSE(client->respond("dj1BQUFB"));
        EXPECT_FALSE(client->is_satisfied());
    }
    EXPECT_EQ(start("SCRAM-SHA-256-PLUS", "user", secret("pencil")).error().code, Errc::config);
}

//
TEST(SaslClient, KnowsWhichMechanismsTakeATokenAndWrapsThem) {
    EXPECT_TRUE(takes_token("XOAUTH2"));
    EXPECT_TRUE(takes_token("OAUTHBEARER"));
    EXPECT_FALSE(takes_token("PLAIN"));
    auto client = start("XOAUTH2", "u", secret("t"));
    ASSERT_TRUE(client);
    EXPECT_EQ(client->respond("")->reveal(), "dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==");
    // "{}": the answer is an empty line.
    EXPECT_EQ(client->respond("e30=")->reveal(), "");
    EXPECT_TRUE(client->complaint());
}

// NTLM, for one, is not built.
TEST(SaslClient, SaysWhichMechanismIsMissing) {
    for (const char* const mechanism : {"X-NO-SUCH", "NTLM", "DIGEST-MD5", "plain", "", "-PLUS"}) {
        const auto client = start(mechanism, "tim", secret("hunter2"));
        ASSERT_FALSE(client);
        EXPECT_EQ(client.error().code, Errc::unsupported);
        EXPECT_EQ(client.error().retry, Retry::never);
        EXPECT_NE(client.error().text.find(mechanism), std::string::npos);
    }
}

}  // namespace
}  // namespace postrider::sasl
