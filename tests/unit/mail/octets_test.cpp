#include "mail/octets.h"

#include <string>

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

TEST(Octets, AtextIsWhatRfc5322Lists) {
    std::string atext;
    for (int octet = 0; octet < 256; ++octet) {
        if (is_atext(static_cast<char>(octet))) atext += static_cast<char>(octet);
    }
    EXPECT_EQ(atext,
              "!#$%&'*+-/0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~");
}

TEST(Octets, FieldNamesHoldNoBlankNoColonNoControl) {
    for (int octet = 0; octet < 256; ++octet) {
        EXPECT_EQ(is_ftext(static_cast<char>(octet)), octet > 32 && octet < 127 && octet != ':');
    }
}

/// The UTF-8 of a code point by the table of RFC 3629 section 3, fit or unfit.
std::string utf8(unsigned point) {
    const auto tail = [point](unsigned shift) {
        return static_cast<char>(0x80U | (point >> shift & 0x3fU));
    };
    if (point < 0x80) return {static_cast<char>(point)};
    if (point < 0x800) return {static_cast<char>(0xc0U | point >> 6U), tail(0)};
    if (point < 0x10000) return {static_cast<char>(0xe0U | point >> 12U), tail(6), tail(0)};
    return {static_cast<char>(0xf0U | point >> 18U), tail(12), tail(6), tail(0)};
}

TEST(Octets, Utf8IsEveryScalarValueButTheC1Controls) {
    for (unsigned point = 0; point < 0x140000; ++point) {
        const bool surrogate = point >= 0xd800 && point <= 0xdfff;
        const bool c1 = point >= 0x80 && point <= 0x9f;
        const bool fit = !surrogate && !c1 && point <= 0x10ffff;
        if (is_clean_utf8(utf8(point)) != fit) FAIL() << point;
    }
}

TEST(Octets, Utf8IsWholeAndShortest) {
    EXPECT_TRUE(is_clean_utf8(""));
    EXPECT_TRUE(is_clean_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7z"));
    for (const auto* bad : {"\x80", "\xbf", "\xc3", "\xc3\x28", "\xe2\x82", "\xe2\x82\x28",
                            "\xf0\x9f\x93", "\xf0\x9f\x93\x28", "\xc0\x80", "\xc1\xbf",
                            "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                            "\xf8\x88\x80\x80\x80", "\xff", "\xe2\x28\xa1", "\xe2\xff\xa1"}) {
        EXPECT_FALSE(is_clean_utf8(bad));
    }
}

}  // namespace
}  // namespace postrider::mail
