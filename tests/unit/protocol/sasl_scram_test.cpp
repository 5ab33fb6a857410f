#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocol/sasl/encoding.h"
#include "protocol/sasl/scram.h"

namespace postrider::sasl {
namespace {

constexpr const char* kNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr const char* kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

Credentials credentials(std::string user = "user", std::string password = "pencil") {
    return {.user = std::move(user), .secret = Secret(std::move(password))};
}

std::unique_ptr<Mechanism> scram(const Credentials& with, mail::Hash hash = mail::Hash::sha256,
                                 bool is_plus = false, std::string nonce = kNonce) {
    auto made = Scram::make({hash, is_plus, std::move(nonce)}, with);
    EXPECT_TRUE(made);
    return made ? std::move(*made) : nullptr;
}

std::string say(Mechanism& mechanism, std::string_view challenge) {
    const auto response = mechanism.respond(challenge);
    return response ? std::string(response->reveal()) : "error: " + response.error().text;
}

// P-015: RFC 7677 section 3.
TEST(Scram, Sha256SpeaksAsTheRfcDoes) {
    const auto client = scram(credentials());
    EXPECT_EQ(say(*client, ""), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_FALSE(client->is_satisfied());
    EXPECT_EQ(say(*client, kServerFirst),
              "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
              "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_FALSE(client->is_satisfied());
    EXPECT_EQ(say(*client, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), "");
    EXPECT_TRUE(client->is_satisfied());
}

// P-015: RFC 5802 section 5.
TEST(Scram, Sha1SpeaksAsTheRfcDoes) {
    const auto client = scram(credentials(), mail::Hash::sha1, false, "fyko+d2lbbFgONRv9qkxdawL");
    EXPECT_EQ(say(*client, ""), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    EXPECT_EQ(
        say(*client, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    EXPECT_EQ(say(*client, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), "");
    EXPECT_TRUE(client->is_satisfied());
}

// P-015: a key derived elsewhere is the same.
TEST(Scram, TakesAKeyThatWasDerivedElsewhere) {
    const auto client = scram(credentials());
    EXPECT_EQ(client->key_for("")->has_value(), false);
    say(*client, "");
    const auto request = client->key_for(kServerFirst);
    ASSERT_TRUE(request && *request);
    EXPECT_EQ((*request)->iterations, 4096U);
    client->take_key(derive_key(**request));
    EXPECT_NE(say(*client, kServerFirst).find("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
              std::string::npos);
    EXPECT_EQ(client->key_for("v=x")->has_value(), false);
}

// P-015
TEST(Scram, WantsAServerNonceThatGoesOnFromOurs) {
    for (const char* const nonce : {"rOprNGfwEbeRWgbNEkqO", "rOprNGfwEbeRWgbNEkq", "x", "",
                                    "xrOprNGfwEbeRWgbNEkqO", "ROPRNGFWEBERWGBNEKQOX"}) {
        const auto client = scram(credentials());
        say(*client, "");
        EXPECT_NE(say(*client, fmt::format("r={},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", nonce))
                      .find("error: "),
                  std::string::npos)
            << nonce;
    }
}

// P-015: neither a password that is cheap to guess nor a bomb.
TEST(Scram, BoundsTheIterations) {
    const auto told = [](const std::string& iterations) {
        const auto client = scram(credentials());
        say(*client, "");
        const auto request = client->key_for(
            fmt::format("r={}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i={}", kNonce, iterations));
        return request ? std::to_string((*request)->iterations) : "error";
    };
    EXPECT_EQ(told("4095"), "error");
    EXPECT_EQ(told("4096"), "4096");
    EXPECT_EQ(told(std::to_string(kMaxIterations)), "1000000");
    EXPECT_EQ(told(std::to_string(kMaxIterations + 1)), "error");
    for (const char* const odd : {"2147483648", "4294971392", "18446744073709551616", "-1", "",
                                  "1e9", "0x1000", " 4096", "4096 "}) {
        EXPECT_EQ(told(odd), "error") << odd;
    }
}

// P-014
TEST(Scram, RefusesWhatIsNoFirstMessage) {
    for (const char* const message :
         {"", "r", "r=", "garbage", "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
          "r=rOprNGfwEbeRWgbNEkqOx,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
          "r=rOprNGfwEbeRWgbNEkqOx,s=!!!,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==",
          "m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096", "i=4096,s=QQ==,r=rOprNGfwEbeRWgbNEkqOx"}) {
        const auto client = scram(credentials());
        say(*client, "");
        EXPECT_NE(say(*client, message).find("error: "), std::string::npos) << message;
    }
}

TEST(Scram, PassesOverExtensions) {
    const auto client = scram(credentials());
    say(*client, "");
    EXPECT_EQ(say(*client, std::string(kServerFirst) + ",x=y").substr(0, 7), "c=biws,");
}

// P-015: who does not know the password is not the server.
TEST(Scram, RefusesAServerThatCannotProveItself) {
    for (const char* const message :
         {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", "v=", "v=AAAA", "", "v", "ok",
          "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}) {
        const auto client = scram(credentials());
        say(*client, "");
        say(*client, kServerFirst);
        EXPECT_NE(say(*client, message).find("error: "), std::string::npos) << message;
        EXPECT_FALSE(client->is_satisfied()) << message;
    }
}

// P-015
TEST(Scram, HearsOutAServerThatRefuses) {
    const auto client = scram(credentials());
    say(*client, "");
    say(*client, kServerFirst);
    EXPECT_EQ(say(*client, "e=invalid-proof"), "");
    EXPECT_FALSE(client->is_satisfied());
    ASSERT_TRUE(client->complaint());
    EXPECT_EQ(client->complaint()->text, "invalid-proof");
    EXPECT_FALSE(client->complaint()->is_temporary);
    EXPECT_NE(say(*client, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").find("error: "),
              std::string::npos);

    const auto early = scram(credentials());
    say(*early, "");
    EXPECT_FALSE(early->key_for("e=no-resources")->has_value());
    EXPECT_EQ(say(*early, "e=no-resources"), "");
    EXPECT_TRUE(early->complaint()->is_temporary);
}

// P-015: the header says whether we could have bound the channel, and which way.
TEST(Scram, SaysHowItIsBoundToTheChannel) {
    Credentials with = credentials();
    with.plus_is_listed = true;
    EXPECT_EQ(say(*scram(with), "").substr(0, 3), "n,,");
    with.binding = {"tls-exporter", "abc"};
    EXPECT_EQ(say(*scram(with), "").substr(0, 3), "n,,") << "the weaker one was asked for";
    with.plus_is_listed = false;
    EXPECT_EQ(say(*scram(with), "").substr(0, 3), "y,,") << "a stripped -PLUS is found out";

    with.plus_is_listed = true;
    const auto plus = scram(with, mail::Hash::sha256, true);
    EXPECT_EQ(say(*plus, "").substr(0, 16), "p=tls-exporter,,");
    const std::string final_message = say(*plus, kServerFirst);
    EXPECT_EQ(final_message.substr(0, final_message.find(',')),
              "c=" + std::string(to_base64("p=tls-exporter,,abc").reveal()));
    EXPECT_NE(final_message.find("p="), std::string::npos);

    with.binding.octets.clear();
    const auto unbound = Scram::make({mail::Hash::sha256, true, kNonce}, with);
    ASSERT_FALSE(unbound);
    EXPECT_EQ(unbound.error().code, Errc::config);
}

TEST(Scram, WritesAndPreparesTheUserAsTheRfcSays) {
    EXPECT_EQ(say(*scram(credentials("a,b=c")), ""), "n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO");
    // RFC 4013 section 3: a soft hyphen is mapped to nothing.
    EXPECT_EQ(say(*scram(credentials("I\xc2\xadX")), ""), "n,,n=IX,r=rOprNGfwEbeRWgbNEkqO");
}

// P-016
TEST(Scram, RefusesWhatSaslprepForbids) {
    for (const auto& [user, password] : {std::pair<std::string, std::string>{"user", "p\xe4ss"},
                                         {"us\x07r", "pencil"},
                                         {"user", std::string("a\0b", 3)}}) {
        const auto made =
            Scram::make({mail::Hash::sha256, false, kNonce}, credentials(user, password));
        ASSERT_FALSE(made) << user;
        EXPECT_EQ(made.error().code, Errc::config);
        EXPECT_EQ(made.error().text.find("p\xe4ss"), std::string::npos);
    }
}

TEST(Scram, NeverUsesANonceTwice) {
    EXPECT_NE(Scram::fresh_nonce(), Scram::fresh_nonce());
    EXPECT_EQ(Scram::fresh_nonce().find(','), std::string::npos);
    EXPECT_GE(Scram::fresh_nonce().size(), 24U);
}

}  // namespace
}  // namespace postrider::sasl
