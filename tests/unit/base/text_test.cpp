#include "postrider/base/text.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

//
TEST(Escaped, KeepsPrintableAsciiAndNamesTheRest) {
    EXPECT_EQ(escaped("plain text"), "plain text");
    EXPECT_EQ(escaped(std::string_view("a\r\n\x1b[2J\0\x9b", 9)), "a\\x0d\\x0a\\x1b[2J\\x00\\x9b");
    EXPECT_EQ(escaped("back\\slash"), "back\\\\slash");
}

TEST(Escaped, IsReversibleSoThatNothingCanBeForged) {
    EXPECT_NE(escaped("\\x0a"), escaped("\n"));
}

TEST(Unescaped, GivesBackEveryOctet) {
    std::string all;
    for (int octet = 0; octet < 256; ++octet) {
        all += static_cast<char>(static_cast<unsigned char>(octet));
    }
    EXPECT_EQ(unescaped(escaped(all)), all);
    EXPECT_EQ(unescaped(""), "");
    for (const char* text : {"\\", "\\x", "\\x1", "\\xg0", "\\x1g", "\\n"}) {
        EXPECT_EQ(unescaped(text), std::nullopt) << text;
    }
}

TEST(Escaped, CutsLongText) {
    EXPECT_EQ(escaped("abcdef", 3), "abc...");
    EXPECT_EQ(escaped("abc", 3), "abc");
}

TEST(Iequals, FoldsAsciiOnly) {
    EXPECT_TRUE(iequals("StLs", "stls"));
    EXPECT_FALSE(iequals("stls", "stlsx"));
    EXPECT_FALSE(iequals("\xc4", "\xe4"));
    EXPECT_TRUE(istarts_with("sasl plain", "SASL "));
    EXPECT_FALSE(istarts_with("sa", "SASL"));
}

TEST(NextWord, TakesRunsOfBlanks) {
    std::string_view text = "  1 \t two  ";
    EXPECT_EQ(next_word(text), "1");
    EXPECT_EQ(next_word(text), "two");
    EXPECT_EQ(next_word(text), "");
}

TEST(ParseUnsigned, RefusesEverythingButDigits) {
    EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615ULL);
    EXPECT_EQ(parse_unsigned("18446744073709551616"), std::nullopt);
    EXPECT_EQ(parse_unsigned(""), std::nullopt);
    EXPECT_EQ(parse_unsigned("-1"), std::nullopt);
    EXPECT_EQ(parse_unsigned("+1"), std::nullopt);
    EXPECT_EQ(parse_unsigned("1 "), std::nullopt);
}

TEST(HumanBytes, NamesTheUnitAtItsBorders) {
    EXPECT_EQ(human_bytes(1023), "1023 B");
    EXPECT_EQ(human_bytes(1024), "1.0 KiB");
    EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0 MiB");
    EXPECT_EQ(human_bytes(95ULL * 1024 * 1024), "95.0 MiB");
}

TEST(Nearest, FindsTheLikelySlipOnly) {
    const std::vector<std::string> known = {"host", "port", "password", "recipients"};
    EXPECT_EQ(nearest("hots", known), "host");
    EXPECT_EQ(nearest("recipient", known), "recipients");
    EXPECT_EQ(nearest("Passwort", known), "password");
    EXPECT_EQ(nearest("x", known), std::nullopt);
    EXPECT_EQ(nearest("colour", known), std::nullopt);
}

TEST(Counted, KnowsOne) {
    EXPECT_EQ(counted(1, "message"), "1 message");
    EXPECT_EQ(counted(0, "message"), "0 messages");
}

TEST(ToHex, IsLowerCase) {
    const std::array<std::uint8_t, 3> bytes = {0x00, 0xab, 0xff};
    EXPECT_EQ(to_hex(bytes), "00abff");
}

TEST(Trimmed, TakesLineEndsToo) {
    EXPECT_EQ(trimmed(" \ta b\r\n"), "a b");
}

}  // namespace
}  // namespace postrider
