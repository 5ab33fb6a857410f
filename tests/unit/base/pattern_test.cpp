#include "postrider/base/pattern.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

std::string filled(std::string_view text) {
    const auto pattern = Pattern::parse(text, {"account", "user"});
    if (!pattern) {
        return "error: " + pattern.error().text;
    }
    return pattern->filled([](std::string_view name) { return "<" + std::string(name) + ">"; });
}

TEST(Pattern, FillsInItsPlacesInOrder) {
    EXPECT_EQ(filled(""), "");
    EXPECT_EQ(filled("/srv/mail"), "/srv/mail");
    EXPECT_EQ(filled("{account}"), "<account>");
    EXPECT_EQ(filled("/srv/{account}/{user}{user}/x"), "/srv/<account>/<user><user>/x");
}

TEST(Pattern, DoubledBracesAreBraces) {
    EXPECT_EQ(filled("{{user}} {{{user}}}"), "{user} {<user>}");
}

TEST(Pattern, TellsWhatItCannotFillIn) {
    EXPECT_EQ(filled("{acount}"), "error: {acount} is not known; did you mean {account}?");
    EXPECT_EQ(filled("{x\n}"), "error: {x\\x0a} is not known; there are {account}, {user}");
    EXPECT_EQ(filled("{}"), "error: {} is not known; there are {account}, {user}");
    for (const char* const broken : {"{user", "user}", "a{", "}", "{user}}"}) {
        EXPECT_EQ(filled(broken),
                  "error: has a brace without its other half; write {{ or }} for a brace")
            << broken;
    }
}

TEST(Pattern, KnowsItsPlaces) {
    const Pattern pattern = Pattern::parse("/srv/{user}/x", {"account", "user"}).value();
    EXPECT_TRUE(pattern.has_places());
    EXPECT_TRUE(pattern.has_place("user"));
    EXPECT_FALSE(pattern.has_place("account"));
    EXPECT_EQ(pattern.fixed_start(), "/srv/");
    EXPECT_FALSE(Pattern().has_places());
}

}  // namespace
}  // namespace postrider
