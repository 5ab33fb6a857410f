#include "app/commands/held_view.h"

#include <chrono>

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

store::HeldCopy held_copy(const std::string& id, const std::vector<std::string>& recipients,
                          WallTime held_at = WallTime(1795399560s)) {
    store::HeldCopy made{.id = id, .file = "new/" + id, .size = 4300, .refusals = {}};
    for (const std::string& recipient : recipients) {
        store::HeldMessage what;
        what.delivery_id = id;
        what.account = "alice";
        what.uid = "u\n1";
        what.destination = "local";
        what.envelope.recipients = {*mail::Address::parse(recipient)};
        what.held_at = held_at;
        what.reason = recipient + ": 550 no";
        made.refusals.push_back({id + ".json", what});
    }
    return made;
}

std::vector<std::string> ids(const Expected<std::vector<store::HeldCopy>>& copies) {
    std::vector<std::string> found;
    for (const store::HeldCopy& one : copies.value_or(std::vector<store::HeldCopy>())) {
        found.push_back(one.id);
    }
    return found;
}

HeldLine meaning(const std::vector<std::string>& words) {
    HeldLine line;
    line.ids = words;
    return line;
}

using Ids = std::vector<std::string>;

TEST(HeldChoice, AnIdMayBeCutToItsBeginningIfThatIsNoOtherOnes) {
    const std::vector<store::HeldCopy> copies = {
        held_copy("abcdef", {"a@b"}), held_copy("abcd99", {"a@b"}), held_copy("abcd", {"a@b"})};
    EXPECT_EQ(ids(chosen(copies, meaning({"abcd99"}), {})), Ids{"abcd99"});
    EXPECT_EQ(ids(chosen(copies, meaning({"abcde"}), {})), Ids{"abcdef"});
    EXPECT_EQ(ids(chosen(copies, meaning({"abcd"}), {})), Ids{"abcd"}) << "it is whole";
    EXPECT_EQ(ids(chosen(copies, meaning({"abcd9", "abcde"}), {})), (Ids{"abcdef", "abcd99"}));
    EXPECT_FALSE(chosen(copies, meaning({"abc"}), {})) << "too short";
    EXPECT_FALSE(chosen(copies, meaning({"abcd99", "zzzz"}), {}));
    const std::vector<store::HeldCopy> two = {copies[0], copies[1]};
    EXPECT_FALSE(chosen(two, meaning({"abcd"}), {})) << "two begin so";
}

TEST(HeldChoice, AllOrByAge) {
    const std::vector<store::HeldCopy> copies = {held_copy("old1", {"a@b"}, WallTime(1h)),
                                                 held_copy("new1", {"a@b"}, WallTime(50h)),
                                                 held_copy("none", {})};
    HeldLine line;
    line.all = true;
    EXPECT_EQ(ids(chosen(copies, line, {})).size(), 3U);
    line = {};
    line.older_than = 24h;
    EXPECT_EQ(ids(chosen(copies, line, WallTime(51h))), Ids{"old1"});
    EXPECT_TRUE(ids(chosen(copies, line, WallTime(25h))).empty()) << "not longer than that";
}

TEST(HeldText, ALineTellsWhoDidNotGetItAndWhy) {
    EXPECT_EQ(list_text(held_copy("abcd", {"bob@x.example"})),
              "abcd  2026-11-23T02:06:00Z  alice  4.2 KiB  for bob@x.example at local: "
              "bob@x.example: 550 no");
    store::HeldCopy two = held_copy("abcd", {"bob@x", "carol@x"});
    two.refusals[1].what.retries = 2;
    EXPECT_TRUE(list_text(two).ends_with("; for carol@x at local: carol@x: 550 no (retried 2)"));
    EXPECT_NE(list_text(held_copy("abcd", {})).find("envelope is gone"), std::string::npos);
}

TEST(HeldText, WhatIsHeldWithoutACopyIsTold) {
    HeldRemotely message{"alice", {}};
    message.record.key.uid = "u\n2";
    message.record.listed_size = 100;
    message.record.note = "-ERR no";
    EXPECT_EQ(list_text(message),
              "(on the server only)  1970-01-01T00:00:00Z  alice  100 B  uid u\\x0a2: -ERR no");
}

TEST(HeldText, ShowsEnvelopeReasonsAndHeader) {
    const std::string text =
        show_text(held_copy("abcd", {"bob@x"}), "Subject: \x1b[2J\r\n folded\r\n\r\nbody\r\n");
    EXPECT_EQ(text,
              "id        abcd\nsize      4.2 KiB\naccount   alice\nuid       u\\x0a1\n"
              "sender    <>\n"
              "held      2026-11-23T02:06:00Z for bob@x at local: bob@x: 550 no\n"
              "\n  Subject: \\x1b[2J\n   folded");
}

}  // namespace
}  // namespace postrider::app
