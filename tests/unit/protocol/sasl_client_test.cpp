#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/protocol/sasl/client.h"

namespace postrider::sasl {
namespace {

Secret secret(std::string text) {
    return Secret(std::move(text));
}

TEST(SaslClient, PlainAnswersTheEmptyFirstChallengeWithUserAndPassword) {
    auto client = Client::start("PLAIN", "tim", secret("tanstaaftanstaaf"));
    ASSERT_TRUE(client);
    const auto response = client->respond("");
    ASSERT_TRUE(response);
    // RFC 4616 section 4, the first example.
    EXPECT_EQ(response->reveal(), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
}

TEST(SaslClient, PlainCarriesEightBitOctetsAsTheyAre) {
    auto client = Client::start("PLAIN", "\xc3\xa4", secret("\xc3\xb6"));
    ASSERT_TRUE(client);
    const auto response = client->respond("");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->reveal(), "AMOkAMO2");
}

// P-014
TEST(SaslClient, PlainRefusesAChallengeWhereTheClientBegins) {
    auto client = Client::start("PLAIN", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    const auto response = client->respond("aGVsbG8=");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::protocol);
}

// P-014
TEST(SaslClient, PlainIsNotSaidTwice) {
    auto client = Client::start("PLAIN", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->respond(""));
    const auto again = client->respond("");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::protocol);
}

TEST(SaslClient, CramMd5AnswersTheChallengeOfTheServer) {
    auto client = Client::start("CRAM-MD5", "tim", secret("tanstaaftanstaaf"));
    ASSERT_TRUE(client);
    // RFC 2195 section 2.
    const auto response =
        client->respond("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->reveal(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
}

// P-014
TEST(SaslClient, RefusesWhatIsNoBase64) {
    for (const std::string& challenge :
         {std::string("!!!!"), std::string("YQ"), std::string("YWJj\0YWJj", 9)}) {
        auto client = Client::start("CRAM-MD5", "tim", secret("hunter2"));
        ASSERT_TRUE(client);
        const auto response = client->respond(challenge);
        ASSERT_FALSE(response) << challenge;
        EXPECT_EQ(response.error().code, Errc::protocol);
        EXPECT_EQ(response.error().text.find("hunter2"), std::string::npos);
    }
}

// P-014, A-010
TEST(SaslClient, RefusesAChallengeOneOctetOverTheLimit) {
    auto client = Client::start("CRAM-MD5", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    const auto response = client->respond(std::string(kMaxChallenge + 1, 'A'));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::protocol);
    EXPECT_NE(response.error().text.find("65536"), std::string::npos);
}

TEST(SaslClient, TakesAChallengeOfJustTheLimit) {
    auto client = Client::start("CRAM-MD5", "tim", secret("hunter2"));
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->respond(std::string(kMaxChallenge, 'A')));
}

TEST(SaslClient, SaysWhichMechanismIsMissing) {
    const auto client = Client::start("X-NO-SUCH", "tim", secret("hunter2"));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, Errc::unsupported);
    EXPECT_EQ(client.error().retry, Retry::never);
    EXPECT_NE(client.error().text.find("X-NO-SUCH"), std::string::npos);
}

}  // namespace
}  // namespace postrider::sasl
