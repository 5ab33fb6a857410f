#include "sink/smtp_content.h"

#include <gtest/gtest.h>

#include "unit/sink/sink_fixture.h"

// S-008 and S-010: what not every server can take.
namespace postrider::sink {
namespace {

constexpr std::string_view kOwn = "X-Own: 1\r\n";

std::string all_of(const std::string& text, const ContentPolicy& policy) {
    SmtpContent content(message_of(text, std::string(kOwn)), policy);
    const auto measured = content.measure();
    content.rewind();
    std::string octets;
    while (true) {
        const auto piece = content.next();
        EXPECT_TRUE(piece);
        if (!piece || piece->empty()) break;
        octets += *piece;
    }
    EXPECT_EQ(measured.value(), octets.size());
    return octets;
}

std::string nul(std::string text) {
    std::replace(text.begin(), text.end(), '0', '\0');
    return text;
}

constexpr ContentPolicy kWrap{LongLines::wrap, NulOctets::pass, false};
constexpr ContentPolicy kStrip{LongLines::pass, NulOctets::strip, false};
constexpr std::string_view kMarkedNul = "X-Own: 1\r\nX-Postrider-Modified: nul\r\n";
constexpr std::string_view kMarkedLong = "X-Own: 1\r\nX-Postrider-Modified: long-lines\r\n";

TEST(SmtpContent, WhatNeedsNothingIsPassedOnAsItIs) {
    const std::string text = "A: b\r\n\r\n" + std::string(998, 'x') + "\r\n.caf\xC3\xA9\r\n";
    EXPECT_EQ(all_of(text, {LongLines::wrap, NulOctets::strip, false}), std::string(kOwn) + text);
    const std::string odd = "A: b\r\n\r\n" + std::string(5000, 'x') + nul("0\r\n");
    EXPECT_EQ(all_of(odd, {LongLines::pass, NulOctets::pass, false}), std::string(kOwn) + odd);
}

// S-010
TEST(SmtpContent, StripsNulWhereverItStandsAndSaysSo) {
    for (const std::string text : {"A0: b\r\n\r\nx\r\n", "A: b0\r\n\r\nx\r\n", "A: b\r\n\r\n0x\r\n",
                                   "A: b\r\n\r\nx0\r\n", "A: b\r\n\r\n0000x\r\n"}) {
        std::string without = text;
        std::erase(without, '0');
        EXPECT_EQ(all_of(nul(text), kStrip), std::string(kMarkedNul) + without);
    }
    EXPECT_EQ(all_of(nul("0000\r\n"), kStrip), std::string(kMarkedNul) + "\r\n");
}

TEST(SmtpContent, StripsWholePiecesOfNul) {
    constexpr std::size_t kPiece = mail::OutgoingMessage::Reader::kPiece;
    EXPECT_EQ(all_of("A: b\r\n\r\n" + std::string(3 * kPiece, '\0') + "x\r\n", kStrip),
              std::string(kMarkedNul) + "A: b\r\n\r\nx\r\n");
}

// S-008
TEST(SmtpContent, WrapsLinesOneOctetTooLongAndSaysSo) {
    const std::string longest(kMaxLine, 'x');
    EXPECT_EQ(all_of("A: b\r\n\r\n" + longest + "y\r\nz\r\n", kWrap),
              std::string(kMarkedLong) + "A: b\r\n\r\n" + longest + "\r\n y\r\nz\r\n");
}

TEST(SmtpContent, NoWrappedLineIsTooLongAndUnwrappingGivesTheOldOnes) {
    for (const std::size_t length : {999U, 2048U, 65534U, 65535U, 1024U * 1024}) {
        const std::string line(length, 'x');
        const std::string all = all_of("A: b\r\n\r\n" + line + "\r\n", kWrap);
        std::string joined = all;
        std::size_t longest = 0;
        std::size_t begin = 0;
        for (std::size_t at = all.find("\r\n"); at != std::string::npos;
             begin = at + 2, at = all.find("\r\n", begin)) {
            longest = std::max(longest, at - begin);
        }
        EXPECT_EQ(longest, kMaxLine);
        for (std::size_t at = joined.find("\r\n "); at != std::string::npos;
             at = joined.find("\r\n ", at)) {
            joined.erase(at, 3);
        }
        EXPECT_EQ(joined, std::string(kMarkedLong) + "A: b\r\n\r\n" + line + "\r\n");
    }
}

TEST(SmtpContent, AWrapLeavesCharactersWhole) {
    std::string line;
    for (int i = 0; i < 600; ++i) line += "\xE2\x82\xAC";
    const std::string all = all_of("A: b\r\n\r\n" + line + "\r\n", kWrap);
    const std::size_t wrap = all.find("\r\n ");
    ASSERT_NE(wrap, std::string::npos);
    EXPECT_EQ(all.substr(wrap + 3, 3), "\xE2\x82\xAC");
    EXPECT_EQ(all.substr(wrap - 3, 3), "\xE2\x82\xAC");
}

TEST(SmtpContent, DoesBothAtOnce) {
    const std::string all = all_of("A: b\r\n\r\n" + std::string(1500, 'x') + nul("0\r\n"),
                                   {LongLines::wrap, NulOctets::strip, false});
    EXPECT_TRUE(all.starts_with("X-Own: 1\r\nX-Postrider-Modified: nul, long-lines\r\n"));
    EXPECT_EQ(all.find('\0'), std::string::npos);
}

TEST(SmtpContent, PoliciesHoldWhatTheyAreAskedToHold) {
    mail::MessageFacts facts;
    facts.longest_line = kMaxLine;
    const ContentPolicy hold{LongLines::hold, NulOctets::hold, false};
    EXPECT_FALSE(refused_by_policy(hold, facts));
    facts.longest_line = kMaxLine + 1;
    ASSERT_TRUE(refused_by_policy(hold, facts));
    EXPECT_EQ(refused_by_policy(hold, facts)->text,
              "a line of 999 octets, more than 998 (long_lines: hold)");
    EXPECT_FALSE(refused_by_policy({}, facts));
    facts = {};
    facts.has_nul = true;
    ASSERT_TRUE(refused_by_policy(hold, facts));
    EXPECT_EQ(refused_by_policy(hold, facts)->outcome, Outcome::refused);
    EXPECT_FALSE(refused_by_policy({}, facts));
}

}  // namespace
}  // namespace postrider::sink
