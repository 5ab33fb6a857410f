#include "store/json.h"

#include <string>

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

TEST(JsonString, EscapesWhatMustBeEscaped) {
    using namespace std::string_literals;
    EXPECT_EQ(json_string(""), R"("")");
    EXPECT_EQ(json_string("a/b"), R"("a/b")");
    EXPECT_EQ(json_string(R"("quoted" back\slash)"), R"("\"quoted\" back\\slash")");
    EXPECT_EQ(json_string("\0\n\x1f\x7f"s), R"("\u0000\u000a\u001f\u007f")");
}

TEST(JsonString, Utf8StaysAsItIs) {
    for (const std::string text :
         {"\u00fc", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"}) {
        EXPECT_EQ(json_string(text), '"' + text + '"');
    }
}

TEST(JsonString, OctetsThatAreNoUtf8BecomeCharacters) {
    EXPECT_EQ(json_string("\xfc"), R"("\u00fc")");
    EXPECT_EQ(json_string("a\xc3"), R"("a\u00c3")") << "cut short";
    EXPECT_EQ(json_string("\xc0\xaf"), R"("\u00c0\u00af")") << "overlong";
    EXPECT_EQ(json_string("\xed\xa0\x80"), R"("\u00ed\u00a0\u0080")") << "a surrogate";
    EXPECT_EQ(json_string("\xf4\x90\x80\x80"), R"("\u00f4\u0090\u0080\u0080")") << "too high";
    EXPECT_EQ(json_string("\xe2\x82x"), R"("\u00e2\u0082x")");
}

}  // namespace
}  // namespace postrider::store
