#include "config/document.h"

#include <gtest/gtest.h>

#include "postrider/config/load.h"

#include "config/utf8.h"

namespace postrider::config {
namespace {

Document parse(std::string text) {
    return parse_document(std::move(text), 7);
}

TEST(ParseDocument, KeepsPlacesTextsAndDuplicateKeys) {
    const Document document = parse("a: 1\nb:\n  - 'x'\n  - ~\na: 2\n");
    EXPECT_TRUE(document.faults.empty());
    ASSERT_EQ(document.root.kind, Value::Kind::map);
    ASSERT_EQ(document.root.entries.size(), 3U);
    EXPECT_EQ(document.root.file, 7U);
    const Entry& list = document.root.entries[1];
    EXPECT_EQ(list.key, "b");
    EXPECT_EQ(list.position.line, 2U);
    ASSERT_EQ(list.value.items.size(), 2U);
    EXPECT_EQ(list.value.items[0].text.reveal(), "x");
    EXPECT_EQ(list.value.items[0].position.line, 3U);
    EXPECT_EQ(list.value.items[0].position.column, 5U);
    EXPECT_EQ(list.value.items[1].kind, Value::Kind::null);
    const Entry& second = document.root.entries[2];
    ASSERT_TRUE(second.earlier.has_value());
    EXPECT_EQ(second.earlier->line, 1U);
    EXPECT_FALSE(document.root.entries[0].earlier.has_value());
    EXPECT_EQ(document.root.find("a")->value.text.reveal(), "1");
    EXPECT_EQ(document.root.find("c"), nullptr);
}

TEST(ParseDocument, TakesCrlfAndAByteOrderMark) {
    const Document document = parse(
        "\xef\xbb\xbf"
        "a: b\r\nc: d\r\n");
    EXPECT_TRUE(document.faults.empty());
    ASSERT_NE(document.root.find("c"), nullptr);
    EXPECT_EQ(document.root.find("c")->value.text.reveal(), "d");
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

//
TEST(ParseDocument, EndsAtItsDepth) {
    EXPECT_TRUE(parse(nested(kMaxDepth)).faults.empty());
    const Document deeper = parse(nested(kMaxDepth + 1));
    ASSERT_EQ(deeper.faults.size(), 1U);
    EXPECT_EQ(deeper.faults[0].position.column, kMaxDepth + 1);
}

TEST(ParseDocument, GoesOnBehindWhatIsTooDeep) {
    const Document document = parse("a: " + nested(100) + "\nb: c\n");
    EXPECT_EQ(document.faults.size(), 1U);
    ASSERT_NE(document.root.find("b"), nullptr);
    EXPECT_EQ(document.root.find("b")->value.text.reveal(), "c");
}

//
TEST(ParseDocument, SurvivesNestingOfAnyDepthAndKind) {
    constexpr std::size_t kDepth = 10'000;
    for (const std::string_view opener : {"[", "{", "- ", "? ", "{a: ", ": ", "[{a: "}) {
        std::string text;
        for (std::size_t i = 0; i < kDepth; ++i) {
            text += opener;
        }
        const Document document = parse(std::move(text));
        EXPECT_FALSE(document.is_readable) << opener;
        EXPECT_FALSE(document.faults.empty()) << opener;
    }
}

//
TEST(ParseDocument, NeverThrowsAndIsNeverSilentAboutHalfAFile) {
    const std::string text = "a: {b: [c, 'd'], e: \"f\\n\"}\ng: |\n  h\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        const Document document = parse(text.substr(0, cut));
        EXPECT_EQ(document.is_readable, document.faults.empty()) << cut;
    }
}

TEST(FindNonText, TakesUtf8AndLineEnds) {
    EXPECT_EQ(find_non_text(""), std::nullopt);
    EXPECT_EQ(find_non_text("a\tb\r\n"), std::nullopt);
    EXPECT_EQ(find_non_text("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
                            "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
              std::nullopt);
}

TEST(FindNonText, PointsAtWhatIsNone) {
    using namespace std::string_view_literals;
    for (const std::string_view bad :
         {"\0"sv, "\x04"sv, "\x1b"sv, "\x7f"sv, "\x80"sv, "\xc1\xbf"sv, "\xc3"sv, "\xc3 "sv,
          "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv, "\xe2\x82"sv, "\xf0\x8f\xbf\xbf"sv,
          "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "\xe2\x82\xc3"sv}) {
        EXPECT_EQ(find_non_text("ab" + std::string(bad)), 2U);
    }
}

}  // namespace
}  // namespace postrider::config
