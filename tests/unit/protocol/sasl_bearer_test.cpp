#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "protocol/sasl/bearer.h"

namespace postrider::sasl {
namespace {

Credentials credentials(std::string token = "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==") {
    return {.user = "user@example.com",
            .secret = Secret(std::move(token)),
            .host = "server.example.com",
            .port = 143};
}

std::unique_ptr<Mechanism> bearer(Bearer::Kind kind, const Credentials& with = credentials()) {
    auto made = Bearer::make(kind, with);
    EXPECT_TRUE(made);
    return made ? std::move(*made) : nullptr;
}

std::string say(Mechanism& mechanism, std::string_view challenge) {
    const auto response = mechanism.respond(challenge);
    return response ? std::string(response->reveal()) : "error: " + response.error().text;
}

// Q-008: RFC 7628 section 4.1.
TEST(Bearer, OauthbearerSpeaksAsTheRfcDoes) {
    const auto client = bearer(Bearer::Kind::oauthbearer);
    EXPECT_FALSE(client->is_satisfied());
    EXPECT_EQ(say(*client, ""),
              "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
              "auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01");
    EXPECT_TRUE(client->is_satisfied());
}

// Q-008
TEST(Bearer, Xoauth2SpeaksAsGoogleAndMicrosoftDo) {
    const auto client = bearer(Bearer::Kind::xoauth2);
    EXPECT_EQ(say(*client, ""),
              "user=user@example.com\x01"
              "auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01");
    EXPECT_TRUE(client->is_satisfied());
}

// Q-008: the server says why, and waits for an answer before it says no.
TEST(Bearer, HearsOutAServerThatRefuses) {
    for (const auto& [kind, answer] :
         {std::pair{Bearer::Kind::xoauth2, ""}, {Bearer::Kind::oauthbearer, "\x01"}}) {
        const auto client = bearer(kind);
        say(*client, "");
        EXPECT_EQ(say(*client, R"({"status":"401","schemes":"bearer","scope":"https://m/"})"),
                  answer);
        EXPECT_FALSE(client->is_satisfied());
        ASSERT_TRUE(client->complaint());
        EXPECT_EQ(client->complaint()->text, "status 401, scope https://m/");
        EXPECT_FALSE(client->complaint()->is_temporary);
        // P-014: one more is one too many.
        EXPECT_NE(say(*client, "{}").find("error: "), std::string::npos);
    }
}

TEST(Bearer, ReadsTheJsonOfARefusal) {
    EXPECT_EQ(complaint_of_json(R"({ "status" : "invalid_token", "error":"x\"y" })").text,
              "status invalid_token, error x\\\\\"y");
    EXPECT_TRUE(complaint_of_json(R"({"status":"503"})").is_temporary);
    EXPECT_FALSE(complaint_of_json(R"({"status":"400"})").is_temporary);
    // A-023: nothing of it gets out unescaped.
    EXPECT_EQ(complaint_of_json("{\"status\":\"\x1b[2J\"}").text, "status \\x1b[2J");
    for (const char* const odd : {"", "no json", R"({"status":401})", R"({"status")",
                                  R"({"status":"open)", R"({"status":"open\)", "\x01"}) {
        EXPECT_FALSE(complaint_of_json(odd).is_temporary) << odd;
        EXPECT_EQ(complaint_of_json(odd).text.find("status "), std::string::npos) << odd;
    }
}

// Q-008
TEST(Bearer, TakesTokensUpToTheLimitAndNoOther) {
    EXPECT_TRUE(Bearer::make(Bearer::Kind::xoauth2, credentials(std::string(kMaxToken, 't'))));
    for (const std::string& token :
         {std::string(kMaxToken + 1, 't'), std::string(), std::string("a b"), std::string("a\x01z"),
          std::string("a\nb"), std::string("\xc3\xa4")}) {
        const auto made = Bearer::make(Bearer::Kind::xoauth2, credentials(token));
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code, Errc::config);
    }
    Credentials with = credentials();
    with.user = "a\x01z";
    EXPECT_FALSE(Bearer::make(Bearer::Kind::xoauth2, with));
}

}  // namespace
}  // namespace postrider::sasl
