#include "postrider/mail/places.h"

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

std::string value(std::string_view place, std::string_view address) {
    return place_value(place, "alice-isp", Address::parse(address).value());
}

TEST(Places, SayWhatTheDeliveryIs) {
    EXPECT_EQ(value("account", "bob@example.org"), "alice-isp");
    EXPECT_EQ(value("recipient", "Bob+x@Example.org"), "Bob+x@Example.org");
    EXPECT_EQ(value("user", "Bob+x@Example.org"), "Bob+x");
    EXPECT_EQ(value("domain", "Bob+x@Example.org"), "example.org");
}

TEST(Places, KnowTheAtSignThatEndsTheLocalPart) {
    EXPECT_EQ(value("user", "bob"), "bob");
    EXPECT_EQ(value("domain", "bob"), "");
    EXPECT_EQ(value("user", "\"b@\\\"b\"@example.org"), "\"b@\\\"b\"");
    EXPECT_EQ(value("domain", "\"b@\\\"b\"@example.org"), "example.org");
    EXPECT_EQ(value("domain", "bob@[IPv6:::1]"), "[ipv6:::1]");
}

TEST(Places, AllHaveAValue) {
    for (const std::string& place : delivery_places()) {
        EXPECT_NE(value(place, "bob@example.org"), "") << place;
        EXPECT_EQ(is_of_recipient(place), place != "account") << place;
    }
}

}  // namespace
}  // namespace postrider::mail
