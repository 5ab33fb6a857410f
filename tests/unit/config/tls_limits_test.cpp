#include "config/tls_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kPin = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
constexpr const char* kHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Pin, IsTakenInEveryWayThatPeopleHaveIt) {
    std::string with_colons;
    for (std::size_t i = 0; i < 64; i += 2) {
        with_colons += (i > 0 ? ":" : "") + std::string(kHex).substr(i, 2);
    }
    std::string upper = with_colons;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    for (const std::string& text : {std::string(kPin), "sha256//" + std::string(kPin),
                                    std::string(kHex), with_colons, upper}) {
        EXPECT_EQ(parse_pin(text), kPin) << text;
    }
}

TEST(Pin, IsNothingElse) {
    const std::string pin = kPin;
    const std::string hex = kHex;
    for (const std::string& text :
         {std::string(), pin.substr(1), pin + "=", pin.substr(0, 43), hex.substr(1), hex + "00",
          "g" + hex.substr(1), "e:3" + hex.substr(2), "sha1//" + pin, " " + pin,
          std::string(44, '='), "=" + pin.substr(1)}) {
        EXPECT_FALSE(parse_pin(text)) << text;
    }
}

class TlsLimitsOfAccount : public ConfigFiles {
  protected:
    [[nodiscard]] auto loaded(const std::string& lines) {
        return load_text(
            "destinations: {local: {host: localhost}}\n"
            "accounts:\n"
            "  a: {host: h, user: u, password: p, recipients: [x], deliver_to: local,\n"
            "    " +
            lines + "}\n");
    }
};

TEST_F(TlsLimitsOfAccount, AreReadAsTheyStand) {
    const auto result = loaded("tls_pin_sha256: [" + std::string(kPin) + ", " + kHex +
                               "], tls_trust: both, tls_min_version: 1.3, tls_ciphers: 'HIGH:!DH', "
                               "tls_security_level: 3");
    ASSERT_THAT(texts(result.problems), IsEmpty());
    const TlsLimits& limits = result.config->accounts.front().tls_limits;
    EXPECT_THAT(limits.pins, ElementsAre(kPin, kPin));
    EXPECT_TRUE(limits.pins_and_authorities);
    EXPECT_EQ(limits.min_version, TlsVersion::tls1_3);
    EXPECT_EQ(limits.ciphers, "HIGH:!DH");
    EXPECT_EQ(limits.security_level, 3);
    const auto one = loaded("tls_pin_sha256: " + std::string(kPin));
    EXPECT_THAT(one.config->accounts.front().tls_limits.pins, ElementsAre(kPin));
    EXPECT_FALSE(loaded("port: 1").config->accounts.front().tls_limits.security_level);
}

TEST_F(TlsLimitsOfAccount, AreToldWhereTheyMakeNoSense) {
    const auto told = [this](const std::string& lines) { return texts(loaded(lines).problems); };
    EXPECT_THAT(
        told("tls_pin_sha256: abc"),
        ElementsAre("c.yaml:4:21: accounts.a.tls_pin_sha256: is no SHA-256 of a public key: "
                    "44 characters of base64 or 64 hexadecimal digits; a failed connection "
                    "tells the one of the server"));
    EXPECT_THAT(told("tls_pin_sha256: []"),
                ElementsAre("c.yaml:4:21: accounts.a.tls_pin_sha256: needs at least one pin"));
    EXPECT_THAT(told("tls_min_version: 1.1"),
                ElementsAre("c.yaml:4:22: accounts.a.tls_min_version: below 1.2 needs "
                            "tls_security_level: 0; both for servers that have nothing better"));
    EXPECT_THAT(told("tls_min_version: 1.1, tls_security_level: 0"), IsEmpty());
    EXPECT_THAT(told("tls_trust: both"),
                ElementsAre("c.yaml:4:16: accounts.a.tls_trust: 'both' needs tls_pin_sha256"));
    EXPECT_EQ(told("tls_min_version: 2").size(), 1U);
    EXPECT_EQ(told("tls_security_level: 6").size(), 1U);
    EXPECT_THAT(told("tls_ciphers: 'HIGH; rm'"),
                ElementsAre("c.yaml:4:18: accounts.a.tls_ciphers: is no list of ciphers as "
                            "openssl-ciphers(1) describes it"));
}

}  // namespace
}  // namespace postrider::config
