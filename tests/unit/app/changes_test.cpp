#include "app/assembly/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Changes, AMoveWithinTheFileIsNone) {
    config::AccountConfig a;
    a.name = "alice";
    a.place = {"c.yaml", 3, 1};
    a.token_source.emplace();
    config::AccountConfig b = a;
    b.place = {"d.yaml", 30, 1};
    b.token_source->place = {"d.yaml", 32, 1};
    b.password_source.place = {"d.yaml", 31, 1};
    EXPECT_FALSE(is_other(a, b));
    config::DestinationConfig c;
    config::DestinationConfig d;
    d.place.line = 7;
    d.password_source.place.line = 8;
    EXPECT_FALSE(is_other(c, d));
}

TEST(Changes, EveryKeyCounts) {
    const config::AccountConfig a;
    config::AccountConfig b;
    b.retention.max_messages_per_poll = 5;
    EXPECT_TRUE(is_other(a, b));
    b = a;
    b.password = Secret("new");
    EXPECT_TRUE(is_other(a, b));
    b = a;
    b.token_source.emplace();
    EXPECT_TRUE(is_other(a, b));
    b = a;
    b.tls_limits.pins = {"pin"};
    EXPECT_TRUE(is_other(a, b));
    b = a;
    b.poll_every *= 2;
    EXPECT_TRUE(is_other(a, b));
    config::DestinationConfig c;
    config::DestinationConfig d;
    d.timeouts.final_dot *= 2;
    EXPECT_TRUE(is_other(c, d));
    d = c;
    d.path = *Pattern::parse("/srv/{account}", {"account"});
    EXPECT_TRUE(is_other(c, d));
    d = c;
    d.password = Secret("fetched anew");
    EXPECT_TRUE(is_other(c, d));
}

TEST(Changes, WhatOnlyAStartTakesOverIsNamed) {
    config::Config a;
    config::Config b;
    EXPECT_THAT(only_at_start(a, b), IsEmpty());
    b.state_dir = "/elsewhere";
    b.log.level = LogLevel::debug;
    b.limits.polls = 3;
    b.control.group = "adm";
    b.metrics.port = 1;
    b.privileges.allow_root = true;
    EXPECT_THAT(only_at_start(a, b), ElementsAre("state_dir", "log", "control", "metrics",
                                                 "user, allow_root and sandbox"));
}

}  // namespace
}  // namespace postrider::app
