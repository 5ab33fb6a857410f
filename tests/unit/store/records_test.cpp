#include "store/records.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

TEST(Netstrings, AnyOctetsComeBack) {
    using namespace std::string_literals;
    for (const auto& strings :
         {std::vector<std::string>{}, {""}, {"", ""}, {"a"}, {"1:a,", "\0,:\xff"s, "b"}}) {
        EXPECT_EQ(parse_netstrings(to_netstrings(strings)), strings);
    }
}

TEST(Netstrings, WhatIsNoneIsRefused) {
    for (const char* const octets :
         {"x", ":", ":,", "1:a", "1:a;", "2:a,", "-1:a,", "1a,", "99999999999999999999:a,",
          "18446744073709551615:a,", "1:a,1"}) {
        EXPECT_FALSE(parse_netstrings(octets).has_value()) << octets;
    }
}

}  // namespace
}  // namespace postrider::store
