#include "postrider/mail/address.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postrider/base/text.h"

#include "support/mail_samples.h"

namespace postrider::mail {
namespace {

using namespace std::string_literals;

bool is_address(std::string_view text) {
    return Address::parse(text).has_value();
}

TEST(Address, TakesMailboxesAsRfc5321WritesThem) {
    for (const auto* text :
         {"alice@example.org", "a@b", "first.last@mail.example.org", "o'hara+tag=x@example.org",
          "!#$%&'*+-/=?^_`{|}~@example.org", "\"\"@example.org", "\"a b\"@example.org",
          "\"a@b\"@example.org", "\"<>\"@example.org", "\"a\\\"b\\\\\"@example.org",
          "alice@[192.0.2.1]", "alice@[IPv6:2001:db8::1]", "alice@[tag:content]",
          "alice@a-b.example", "alice@1.example", "-a@example.org"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text << ": " << address.error().text;
        EXPECT_EQ(address->text(), text);
        EXPECT_TRUE(address->is_ascii());
    }
}

TEST(Address, TakesABareLocalPartOfAtoms) {
    EXPECT_TRUE(is_address("alice"));
    EXPECT_TRUE(is_address("first.last+tag"));
    EXPECT_FALSE(is_address("\"alice\""));
    EXPECT_FALSE(is_address("first..last"));
}

TEST(Address, TakesUtf8AndSaysSo) {
    for (const auto* text :
         {"\xc3\xa4@example.org", "a@\xc3\xa4.example", "\"\xc3\xa4 b\"@c",
          "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b.example", "\xf0\x9f\x93\xa7@example.org"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text << ": " << address.error().text;
        EXPECT_FALSE(address->is_ascii());
    }
}

TEST(Address, RefusesWhatIsNotUtf8OrAControlInDisguise) {
    for (const auto* local : {"\xe4", "\x80", "\xc0\xaf", "\xc1\x81", "\xc3", "\xe0\x80\x8a",
                              "\xed\xa0\x80", "\xf0\x80\x80\x8a", "\xf4\x90\x80\x80",
                              "\xf5\x80\x80\x80", "\xff", "\xc2\x85", "\xc2\x9f", "\xc3\xc3"}) {
        EXPECT_FALSE(is_address(std::string(local) + "@example.org")) << escaped(local);
        EXPECT_FALSE(is_address("a@" + std::string(local) + ".example")) << escaped(local);
        EXPECT_FALSE(is_address("\"" + std::string(local) + "\"@example.org")) << escaped(local);
    }
    EXPECT_TRUE(is_address("\xc2\xa0@example.org"));
}

TEST(Address, RefusesEveryControlOctetWhereverItStands) {
    const std::string_view good = "\"a\\b\"@example.org";
    for (int octet = 0; octet <= 0x7f; ++octet) {
        if (octet >= 0x20 && octet != 0x7f) continue;
        for (std::size_t at = 0; at <= good.size(); ++at) {
            std::string text(good);
            text.insert(at, 1, static_cast<char>(octet));
            EXPECT_FALSE(is_address(text)) << escaped(text);
        }
    }
}

TEST(Address, RefusesWhatIsMalformed) {
    for (const auto* text :
         {"",         "@",        "@b",      "a@",           "a@@b",   "a@b@c",  ".a@b",
          "a.@b",     "a..b@c",   "a b@c",   " a@b",         "a@b ",   "<a@b>",  "a@b>",
          "<a@b",     "a@b,c@d",  "a@b c@d", "a(comment)@b", "@a:b@c", "a:b@c",  "a;b@c",
          "a\"b\"@c", "\"a\"b@c", "\"a@b",   "\"a\\\"@b",    "\"a\"",  "\"a\"@", "\"a\"@b\"",
          "a\\b@c",   "a[b@c",    "a@-b",    "a@b-",         "a@b..c", "a@.b",   "a@b.",
          "a@b_c",    "a@b/c",    "a@[]",    "a@[",          "a@[1",   "a@1]",   "a@[1] ",
          "a@[a b]",  "a@[<>]",   "a@[1]@b", "a@[1].c",      "a@[\\1]"}) {
        const auto address = Address::parse(text);
        ASSERT_FALSE(address) << text;
        EXPECT_EQ(address.error().code, Errc::protocol);
    }
}

TEST(Address, TheErrorShowsTheTextEscaped) {
    const auto address = Address::parse("a@b\r\nRCPT TO:<c@d>");
    ASSERT_FALSE(address);
    EXPECT_THAT(address.error().text, testing::HasSubstr("a@b\\x0d\\x0aRCPT"));
    EXPECT_THAT(address.error().text, testing::HasSubstr("domain is malformed"));
}

TEST(Address, KeepsTheLimitsOfRfc5321) {
    const std::string local64(64, 'a');
    EXPECT_TRUE(is_address(local64 + "@b"));
    EXPECT_FALSE(is_address(local64 + "a@b"));
    EXPECT_TRUE(is_address(local64));
    EXPECT_FALSE(is_address(local64 + "a"));
    EXPECT_TRUE(is_address("\"" + std::string(62, 'a') + "\"@b"));
    EXPECT_FALSE(is_address("\"" + std::string(63, 'a') + "\"@b"));

    const std::string label63(63, 'b');
    EXPECT_TRUE(is_address("a@" + label63));
    EXPECT_FALSE(is_address("a@" + label63 + "b"));

    const std::string text253 =
        local64 + "@" + label63 + "." + label63 + "." + std::string(60, 'b');
    ASSERT_EQ(text253.size(), 253U);
    EXPECT_TRUE(is_address(text253 + "b"));
    EXPECT_FALSE(is_address(text253 + "bb"));
}

/// What every receiver of an address relies on, told without the parser: one line, no control, and
/// between '<' and '>' nothing that ends the path early.
bool is_safe_in_a_path(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        if (octet < 0x20 || octet == 0x7f) return false;
        if (quoted && octet == '\\') ++i;
        if (octet == '"') quoted = !quoted;
        if (!quoted && (octet == '<' || octet == '>' || octet == ' ')) return false;
    }
    return !quoted && !text.empty() && text.size() <= 254;
}

// S-013
TEST(Address, WhatIsAcceptedIsSafeAndParsesBackToTheSame) {
    std::size_t accepted = 0;
    const auto check = [&accepted](const std::string& text) {
        const auto address = Address::parse(text);
        if (!address) return;
        ++accepted;
        EXPECT_EQ(address->text(), text);
        EXPECT_TRUE(is_safe_in_a_path(text)) << escaped(text);
        EXPECT_EQ(*Address::parse(address->text()), *address);
    };
    for (const std::string& text : test::all_strings("a@.\"\\<[] ", 5)) check(text);
    const std::string good = "\"a<\\\"\"@[IPv6:1].b-c.\xc3\xa4";
    for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
        std::string text = seed % 3 == 0 ? good : seed % 3 == 1 ? "ab.c@d-e.f"s : "\"a b\"@c.d"s;
        const std::string noise = test::random_octets(seed, 6);
        const std::size_t at = static_cast<unsigned char>(noise[0]) % text.size();
        const std::size_t changed = static_cast<unsigned char>(noise[1]) % 3U;
        text.replace(at, changed, noise, 2, 1 + static_cast<unsigned char>(noise[1]) % 4U);
        check(text);
    }
    EXPECT_GT(accepted, 1000U) << "the fuzz found next to nothing that is accepted";
}

std::string in_ascii(const std::string& text) {
    const auto address = Address::parse(text)->to_ascii();
    return address ? address->text() : "none";
}

// S-013
TEST(Address, ADomainHasAFormInAsciiAndALocalPartHasNot) {
    EXPECT_EQ(in_ascii("bob@b\u00fccher.example"), "bob@xn--bcher-kva.example");
    EXPECT_EQ(in_ascii("Bob@B\u00dcCHER.Example"), "Bob@xn--bcher-kva.example");
    EXPECT_EQ(in_ascii("\"a b\"@\u4f8b\u3048.\u30c6\u30b9\u30c8"),
              "\"a b\"@xn--r8jz45g.xn--zckzah");
    EXPECT_EQ(in_ascii("bob@fa\u00df.example"), "bob@xn--fa-hia.example") << "IDNA 2008";
    EXPECT_EQ(in_ascii("Bob@Isp.Example"), "Bob@Isp.Example");
    EXPECT_EQ(in_ascii("bob"), "bob");
    EXPECT_EQ(in_ascii("b\u00f6b@isp.example"), "none");
    EXPECT_EQ(in_ascii("b\u00f6b@b\u00fccher.example"), "none");
    EXPECT_EQ(in_ascii("b\u00f6b"), "none");
}

TEST(Address, WhatHasNoFormInAsciiIsNotMadeUp) {
    EXPECT_EQ(in_ascii("bob@\u2028.example"), "none") << "no letter of any name";
    const std::string long_label = "\u00fc" + std::string(60, 'b');
    EXPECT_EQ(in_ascii("bob@" + long_label), "none") << "longer than a label may be";
    // What looks like '@' or a dot in other scripts never gets a meaning in the address.
    for (const std::string odd : {"\uff20", "\uff0e", "\u3002", "\ufe6b"}) {
        const std::string ascii = in_ascii("bob@a" + odd + "b.example");
        EXPECT_TRUE(ascii == "none" || ascii == "bob@a.b.example") << ascii;
    }
}

TEST(Address, DomainsAreComparedInOneForm) {
    EXPECT_EQ(comparable_domain("B\u00dccher.Example"), "xn--bcher-kva.example");
    EXPECT_EQ(comparable_domain("XN--BCHER-KVA.example"), "xn--bcher-kva.example");
    EXPECT_EQ(comparable_domain(""), "");
    EXPECT_EQ(comparable_domain("\u00fc\xff"), "\u00fc\xff");
    EXPECT_EQ(comparable_domain(std::string_view("\u00fc\0x", 4)),
              std::string_view("\u00fc\0x", 4));
    EXPECT_EQ(comparable("Bob@B\u00fccher.example"), "bob@xn--bcher-kva.example");
    EXPECT_EQ(comparable("@B\u00fccher.example"), "@xn--bcher-kva.example");
    EXPECT_EQ(comparable("Bob"), "bob");
}

TEST(Address, ComparesByText) {
    EXPECT_EQ(*Address::parse("a@b"), *Address::parse("a@b"));
    EXPECT_NE(*Address::parse("a@b"), *Address::parse("A@b"));
    EXPECT_LT(*Address::parse("a@b"), *Address::parse("b@b"));
}

}  // namespace
}  // namespace postrider::mail
