#include "postrider/mail/header_scan.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/mail_samples.h"

namespace postrider::mail {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// The fields that a scan lists for removal, as text.
std::vector<std::string> removed_from(std::string_view head) {
    std::vector<std::string> fields;
    for (const ByteRange& range : scan_header(head).return_path_fields) {
        fields.emplace_back(head.substr(range.begin, range.end - range.begin));
    }
    return fields;
}

TEST(HeaderScan, SeesAnOrdinaryHeader) {
    const HeaderScan scan = scan_header(
        "Return-Path: <a@b>\r\nReceived: x\r\nReceived: y\r\n\tz\r\nSubject: s\r\n\r\n"
        "Return-Path: <in@body>\r\nReceived: in body\r\n");
    EXPECT_EQ(scan.return_path, "<a@b>");
    EXPECT_THAT(scan.return_path_fields, ElementsAre(ByteRange{0, 20}));
    EXPECT_EQ(scan.received_count, 2U);
    EXPECT_EQ(scan.header_octets, 62U);
    EXPECT_TRUE(scan.complete);
}

// S-028
TEST(HeaderScan, AHeaderMayEndWithTheMessage) {
    for (const auto& head : {"A: b\r\nReturn-Path: <a@b>\r\n"s, "A: b\r\nReturn-Path: <a@b>"s}) {
        const HeaderScan scan = scan_header(head);
        EXPECT_TRUE(scan.complete);
        EXPECT_EQ(scan.header_octets, head.size());
        EXPECT_EQ(scan.return_path, "<a@b>");
        EXPECT_THAT(scan.return_path_fields, ElementsAre(ByteRange{6, head.size()}));
    }
}

TEST(HeaderScan, NoHeaderIsAHeaderWithoutFields) {
    for (const auto* head : {"", "\r\n", "\r\nReturn-Path: <a@b>\r\n", "\n"}) {
        const HeaderScan scan = scan_header(head);
        EXPECT_TRUE(scan.complete);
        EXPECT_EQ(scan.header_octets, 0U);
        EXPECT_EQ(scan.return_path, std::nullopt);
        EXPECT_THAT(scan.return_path_fields, IsEmpty());
    }
}

TEST(HeaderScan, FindsEachWayToWriteReturnPath) {
    const std::string head =
        "return-path: <a@b>\r\nX: 1\r\nRETURN-PATH \t:<c@d>\r\nReturn-Path:\r\n <e\r\n\t@f>\r\n"
        "Return-Path:\r\nX-Return-Path: <g@h>\r\nReturn-Paths: i\r\nReturn Path: j\r\n\r\n";
    EXPECT_THAT(removed_from(head),
                ElementsAre("return-path: <a@b>\r\n", "RETURN-PATH \t:<c@d>\r\n",
                            "Return-Path:\r\n <e\r\n\t@f>\r\n", "Return-Path:\r\n"));
}

TEST(HeaderScan, UnfoldsTheValue) {
    EXPECT_EQ(scan_header("Return-Path:\r\n <a\r\n\t@b> \r\n \r\n\r\n").return_path, "<a\t@b>");
    EXPECT_EQ(scan_header("Return-Path : \t<>\r\n\r\n").return_path, "<>");
    EXPECT_EQ(scan_header("Return-Path:\r\n\r\n").return_path, "");
}

// S-011
TEST(HeaderScan, TrustsTheTopmostReturnPathBeforeOrWithinTheFirstReceivedBlock) {
    const auto path = [](std::string_view fields) {
        return scan_header(std::string(fields) + "\r\n").return_path.value_or("none");
    };
    const std::string a = "Return-Path: a\r\n";
    const std::string b = "Return-Path: b\r\n";
    const std::string received = "Received: r\r\n";
    const std::string other = "X-Other: o\r\n";
    EXPECT_EQ(path(a + received), "a");
    EXPECT_EQ(path(other + a + received), "a");
    EXPECT_EQ(path(received + a), "a");
    EXPECT_EQ(path(received + a + received), "a");
    EXPECT_EQ(path(received + received + a + other), "a");
    EXPECT_EQ(path(a + received + b), "a");
    EXPECT_EQ(path(a + b + received), "a");
    EXPECT_EQ(path(other + a), "a");
    EXPECT_EQ(path(a + other + b), "a");
    EXPECT_EQ(path(received + other + a), "none");
    EXPECT_EQ(path(received + other + received + a), "none");
    EXPECT_EQ(path(other + received + other + a), "none");
    EXPECT_EQ(path(received + other), "none");
    EXPECT_EQ(path(other + received + a + other + b), "a");
}

// S-011
TEST(HeaderScan, RemovesAReturnPathThatItDoesNotTrust) {
    EXPECT_THAT(removed_from("Received: r\r\nX: o\r\nReturn-Path: a\r\n\r\n"),
                ElementsAre("Return-Path: a\r\n"));
}

TEST(HeaderScan, EndsAtALineThatIsNoFieldAndNoContinuation) {
    for (const auto* line :
         {"no field\r\n", ":\r\n", ": x\r\n", "\x80: x\r\n", "a b: c\r\n", "\r\r\n",
          "From a@b Mon Nov 23\r\n", "Return-Path <a@b>\r\n", "\x01: x\r\n"}) {
        const HeaderScan scan =
            scan_header("A: b\r\n c\r\n"s + line + "Return-Path: a\r\nReceived: r\r\n\r\n");
        EXPECT_FALSE(scan.complete) << line;
        EXPECT_EQ(scan.header_octets, 10U) << line;
        EXPECT_EQ(scan.return_path, std::nullopt) << line;
        EXPECT_THAT(scan.return_path_fields, IsEmpty()) << line;
        EXPECT_EQ(scan.received_count, 0U) << line;
    }
}

TEST(HeaderScan, SkipsTheLineOfAnMboxAndAnOrphanedContinuationOnTop) {
    for (const auto* line :
         {"From alice Mon Nov 23 02:06:00 2026\r\n", ">From alice\r\n",
          "From alice\r\n continued\r\n", " orphan\r\n\tand more\r\n", " \r\n"}) {
        const std::string head = line + "Return-Path: <a@b>\r\nReceived: r\r\n\r\ntext\r\n"s;
        const HeaderScan scan = scan_header(head);
        EXPECT_TRUE(scan.complete) << line;
        EXPECT_EQ(scan.return_path, "<a@b>") << line;
        EXPECT_EQ(scan.received_count, 1U) << line;
        EXPECT_THAT(removed_from(head), ElementsAre("Return-Path: <a@b>\r\n")) << line;
    }
}

TEST(HeaderScan, AFromFieldWithABlankBeforeTheColonIsAField) {
    EXPECT_TRUE(scan_header("From : a@b\r\n\r\n").complete);
    EXPECT_TRUE(scan_header("X: y\r\nFrom : a@b\r\n\r\n").complete);
}

TEST(HeaderScan, InterpretsAFieldOfTheLimitButNotOneOctetOver) {
    const std::string frame = "Return-Path: <>\r\n";
    const std::string most =
        "Return-Path: " + std::string(kFieldLimit - frame.size(), ' ') + "<>\r\n";
    ASSERT_EQ(most.size(), kFieldLimit);
    EXPECT_EQ(scan_header(most + "\r\n").return_path, "<>");

    const std::string over = "Return-Path:  " + most.substr(13);
    ASSERT_EQ(over.size(), kFieldLimit + 1);
    const HeaderScan scan = scan_header(over + "Return-Path: <b@c>\r\n\r\n");
    EXPECT_EQ(scan.return_path, std::nullopt) << "the one below it must not take its place";
    EXPECT_THAT(scan.return_path_fields,
                ElementsAre(ByteRange{0, over.size()}, ByteRange{over.size(), over.size() + 20}));
    EXPECT_TRUE(scan.complete);
}

/// A header of exactly `octets`, the empty line included, that ends in a folded Return-Path.
std::string header_of(std::size_t octets) {
    const std::string tail = "Return-Path: <a\r\n @b>\r\n\r\n";
    std::string head;
    while (head.size() + tail.size() + 200 < octets) head += "X: " + std::string(95, 'x') + "\r\n";
    head += "X: " + std::string(octets - head.size() - tail.size() - 5, 'x') + "\r\n";
    return head + tail;
}

// S-027
TEST(HeaderScan, InterpretsAHeaderOfTheLimitButNotOneOctetOver) {
    const std::string most = header_of(kHeaderScanLimit);
    ASSERT_EQ(most.size(), kHeaderScanLimit);
    for (const auto* body : {"", "text\r\n"}) {
        const HeaderScan scan = scan_header(most + body);
        EXPECT_TRUE(scan.complete);
        EXPECT_EQ(scan.header_octets, kHeaderScanLimit - 2);
        EXPECT_EQ(scan.return_path, "<a @b>");
        EXPECT_EQ(scan.return_path_fields.size(), 1U);
    }
    const std::string over = header_of(kHeaderScanLimit + 1);
    ASSERT_EQ(over.size(), kHeaderScanLimit + 1);
    EXPECT_FALSE(scan_header(over).complete);
}

TEST(HeaderScan, NeverTakesAFieldThatTheLimitCuts) {
    // Wherever the limit falls within the last field, all of it stays in the message, or none.
    const std::string field = "Return-Path: <a\r\n @b>\r\n";
    for (std::size_t beyond = 1; beyond <= field.size() + 1; ++beyond) {
        const std::string head = header_of(kHeaderScanLimit + beyond);
        const std::size_t begin = head.size() - 2 - field.size();
        const HeaderScan scan = scan_header(head);
        EXPECT_FALSE(scan.complete) << beyond;
        const bool whole =
            beyond == 1;  // the CR of the empty line shows that no continuation follows
        EXPECT_EQ(scan.header_octets, whole ? begin + field.size() : begin) << beyond;
        if (whole) {
            EXPECT_THAT(scan.return_path_fields,
                        ElementsAre(ByteRange{begin, begin + field.size()}));
        } else {
            EXPECT_THAT(scan.return_path_fields, IsEmpty()) << beyond;
            EXPECT_EQ(scan.return_path, std::nullopt) << beyond;
        }
    }
}

// A-022, S-027
TEST(HeaderScan, SurvivesHeaderBombs) {
    EXPECT_FALSE(scan_header(test::mail_with_fields(1'000'000)).complete);
    EXPECT_FALSE(scan_header(test::mail_with_continuations(1'000'000)).complete);
    EXPECT_FALSE(scan_header(test::mail_with_field_of(64UL * 1024 * 1024)).complete);
    EXPECT_TRUE(scan_header(test::mail_with_fields(100'000)).complete);
    EXPECT_TRUE(scan_header(test::mail_with_continuations(100'000)).complete);

    std::string received;
    for (int i = 0; i < 10'000; ++i) received += "Received: r\r\n";
    EXPECT_EQ(scan_header(received + "\r\n").received_count, 10'000U);
}

TEST(HeaderScan, TakesAnyOctetsAndKeepsItsPromises) {
    std::vector<std::string> heads;
    for (const auto& mails :
         {test::smuggling_mails(), test::nul_mails(), test::misshapen_mails()}) {
        for (const auto& mail : mails) heads.push_back(mail.octets);
    }
    for (std::uint32_t seed = 0; seed < 2000; ++seed) {
        heads.push_back("Return-Path:" + test::random_octets(seed, 40, ":\r\n \tRx") +
                        "Return-Path: x\r\n" + test::random_octets(seed, 20));
    }
    for (const std::string& head : heads) {
        const HeaderScan scan = scan_header(head);
        EXPECT_LE(scan.header_octets, head.size());
        std::uint64_t before = 0;
        for (const ByteRange& range : scan.return_path_fields) {
            EXPECT_LE(before, range.begin);
            EXPECT_LT(range.begin, range.end);
            EXPECT_LE(range.end, scan.header_octets);
            EXPECT_TRUE(range.end == head.size() ||
                        (head[range.end] != ' ' && head[range.end] != '\t'));
            before = range.end;
        }
        if (scan.return_path) {
            EXPECT_EQ(scan.return_path->find_first_of("\r\n"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace postrider::mail
