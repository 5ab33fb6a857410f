#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/pop3/capa.h"

namespace postrider::pop3 {
namespace {

Capabilities read(const std::vector<std::string>& lines) {
    CapaReader reader;
    for (const auto& line : lines) {
        EXPECT_TRUE(reader.add(line)) << line;
    }
    return reader.capabilities();
}

// P-007
TEST(Pop3Capa, ReadsTagsWithoutRegardToCase) {
    const auto capa = read({"TOP", "uidl", "Stls", "USER", "PIPELINING", "RESP-CODES",
                            "auth-resp-code", "sasl plain  LOGIN", "EXPIRE 31 USER",
                            "LOGIN-DELAY 300", "UTF8 USER", "IMPLEMENTATION Some Server 1.0 "});
    EXPECT_TRUE(capa.known && capa.top && capa.uidl && capa.stls && capa.user && capa.pipelining);
    EXPECT_TRUE(capa.resp_codes && capa.auth_resp_code && capa.utf8_user);
    EXPECT_EQ(capa.sasl, (std::vector<std::string>{"PLAIN", "LOGIN"}));
    EXPECT_EQ(capa.expire_days, 31U);
    EXPECT_EQ(capa.login_delay_s, 300U);
    EXPECT_EQ(capa.implementation, "Some Server 1.0");
}

// P-007, P-035
TEST(Pop3Capa, ComparesWholeWordsAndPassesOverTheUnknown) {
    const auto capa = read({"XSTLS", "STLSX", "X STLS", "UIDL2", "SASL XPLAIN", "", "UTF8",
                            "PIPELININGS", std::string("\0USER", 5)});
    EXPECT_TRUE(capa.known);
    EXPECT_FALSE(capa.stls || capa.uidl || capa.user || capa.pipelining || capa.utf8_user);
    EXPECT_EQ(capa.sasl, std::vector<std::string>{"XPLAIN"});
}

TEST(Pop3Capa, AddsUpRepeatedTags) {
    const auto capa = read({"SASL PLAIN", "SASL plain CRAM-MD5", "STLS", "STLS"});
    EXPECT_TRUE(capa.stls);
    EXPECT_EQ(capa.sasl, (std::vector<std::string>{"PLAIN", "CRAM-MD5"}));
}

TEST(Pop3Capa, TellsExpireZeroFromNever) {
    EXPECT_EQ(read({"EXPIRE 0"}).expire_days, 0U);
    EXPECT_FALSE(read({"EXPIRE NEVER"}).expire_days);
    EXPECT_FALSE(read({"EXPIRE 4294967296"}).expire_days);
    EXPECT_FALSE(read({"EXPIRE -1"}).expire_days);
    EXPECT_FALSE(read({"LOGIN-DELAY"}).login_delay_s);
}

// P-003, A-010
TEST(Pop3Capa, RefusesOneLineOverTheLimit) {
    CapaReader reader;
    for (std::size_t i = 0; i < kMaxCapaLines; ++i) {
        ASSERT_TRUE(reader.add("X"));
    }
    const auto over = reader.add("X");
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::limit);
}

// P-003, A-010
TEST(Pop3Capa, RefusesOneOctetOverTheLimit) {
    CapaReader reader;
    ASSERT_TRUE(reader.add(std::string(kMaxCapaOctets, 'X')));
    const auto over = reader.add("X");
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::limit);
}

}  // namespace
}  // namespace postrider::pop3
