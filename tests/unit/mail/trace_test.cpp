#include "postrider/mail/trace.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/mail_samples.h"

namespace postrider::mail {
namespace {

using namespace std::string_literals;

constexpr WallTime kTime{std::chrono::seconds(1795399560)};

Trace example() {
    return {.delivery_id = "0123456789abcdef0123456789abcdef",
            .from_host = "pop.isp.example",
            .from_address = "192.0.2.1",
            .by_host = "host.example",
            .with = "POP3S",
            .recipient = "alice@localhost",
            .time = kTime};
}

TEST(TraceHeader, NamesTheDeliveryAndTheWayOfTheMessage) {
    EXPECT_EQ(trace_header(example()),
              "X-Postrider-Id: 0123456789abcdef0123456789abcdef\r\n"
              "Received: from pop.isp.example ([192.0.2.1])\r\n"
              "\tby host.example with POP3S id 0123456789abcdef0123456789abcdef"
              " for <alice@localhost>;\r\n"
              "\tMon, 23 Nov 2026 02:06:00 +0000\r\n");
}

TEST(TraceHeader, LeavesOutWhatIsNotKnown) {
    Trace trace = example();
    trace.from_address = "";
    trace.recipient = "";
    EXPECT_THAT(trace_header(trace),
                testing::HasSubstr("\r\nReceived: from pop.isp.example\r\n\tby host.example with "
                                   "POP3S id 0123456789abcdef0123456789abcdef;\r\n\tMon"));
    trace.from_host = "";
    trace.by_host = "";
    EXPECT_THAT(trace_header(trace), testing::HasSubstr("from unknown\r\n\tby unknown with"));
}

TEST(TraceHeader, TellsNoPathOfThisMachine) {
    Trace trace = example();
    trace.from_address = "/usr/bin/ssh";
    EXPECT_EQ(trace_header(trace).find("ssh"), std::string::npos);
}

TEST(TraceHeader, MarksAnIpv6AddressAndDropsItsZone) {
    Trace trace = example();
    trace.from_address = "fe80::1%eth0";
    EXPECT_THAT(trace_header(trace), testing::HasSubstr("pop.isp.example ([IPv6:fe80::1])\r\n"));
}

/// Exactly four lines, ours, none over the limit of RFC 5322 section 2.1.1, no octet out of place.
void expect_sound(const std::string& header) {
    ASSERT_TRUE(test::is_canonical(header));
    EXPECT_EQ(std::count(header.begin(), header.end(), '\n'), 4);
    EXPECT_TRUE(header.starts_with("X-Postrider-Id: "));
    EXPECT_THAT(header, testing::HasSubstr("\r\nReceived: from "));
    EXPECT_THAT(header, testing::HasSubstr("\r\n\tby "));
    EXPECT_TRUE(header.ends_with("\r\n\tMon, 23 Nov 2026 02:06:00 +0000\r\n"));
    for (const char c : header) {
        EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\r' || c == '\n' || c == '\t');
    }
    for (std::size_t at = 0; at < header.size();) {
        const std::size_t end = header.find("\r\n", at);
        EXPECT_LE(end - at, 998U);
        at = end + 2;
    }
}

TEST(TraceHeader, RestrictsTextThatCouldBreakTheField) {
    const std::string evil = "a\r\nB: c\r\n\r\n\0(\"<;>)\\ \xe4\x7f"s;
    for (auto part : {&Trace::delivery_id, &Trace::from_host, &Trace::from_address, &Trace::by_host,
                      &Trace::with, &Trace::recipient}) {
        Trace trace = example();
        trace.*part = evil;
        expect_sound(trace_header(trace));
        EXPECT_THAT(trace_header(trace), testing::Not(testing::HasSubstr("\\")));
        EXPECT_THAT(trace_header(trace), testing::Not(testing::HasSubstr("\"")));
    }
    Trace trace = example();
    trace.from_host = "pop(x).isp\r\n.example";
    EXPECT_THAT(trace_header(trace), testing::HasSubstr("from pop?x?.isp??.example ("));
}

TEST(TraceHeader, StaysWithinTheLineLimitWhateverItIsGiven) {
    for (auto part : {&Trace::delivery_id, &Trace::from_host, &Trace::from_address, &Trace::by_host,
                      &Trace::with, &Trace::recipient}) {
        Trace trace = example();
        trace.*part = std::string(100'000, 'a');
        expect_sound(trace_header(trace));
    }
    const std::string most(300, 'a');
    expect_sound(trace_header({most, most, most, most, most, most, kTime}));
}

TEST(TraceHeader, DoesNotTouchTheCharactersOfAnAddress) {
    Trace trace = example();
    trace.recipient = "o'h.a+b=c!#$%&*-/?^_`{|}~@[IPv6:2001:db8::1]";
    EXPECT_THAT(trace_header(trace), testing::HasSubstr("for <" + trace.recipient + ">;"));
}

TEST(TraceHeader, IsFoundOnTopOfAMessage) {
    const std::string own = trace_header(example());
    EXPECT_EQ(trace_header_octets(own + "Subject: x\r\n\r\n"), own.size());
    EXPECT_EQ(trace_header_octets(own + "\tcontinued\r\n"), own.size());
    EXPECT_EQ(trace_header_octets(own), own.size());
    const std::size_t id = own.find("\r\n") + 2;
    for (std::size_t cut = 0; cut < own.size(); ++cut) {
        EXPECT_EQ(trace_header_octets(own.substr(0, cut)), cut < id ? 0U : id) << cut;
    }
    EXPECT_EQ(trace_header_octets("Received: from a\r\n\tby b\r\n\tc\r\n"), 0U);
}

// S-022
TEST(TraceHeader, MayBeTheIdAlone) {
    Trace trace = example();
    trace.has_received = false;
    const std::string own = trace_header(trace);
    EXPECT_EQ(own, "X-Postrider-Id: " + trace.delivery_id + "\r\n");
    EXPECT_EQ(trace_header_octets(own), own.size());
    // Somebody else's line of the same shape is not ours.
    EXPECT_EQ(
        trace_header_octets(own + "Received: from a\r\n\tby b with POP3 id 5;\r\n\tc\r\n\r\n"),
        own.size());
}

TEST(DeliveryId, IsTheHmacThatAnybodyCanCompute) {
    Digest content{};
    content.fill(0x61);
    // printf 'postrider delivery 1\n5:alice2:u1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' |
    //     openssl dgst -sha256 -hmac key | cut -c1-32
    EXPECT_EQ(delivery_id(Secret("key"), "alice", "u1", content),
              "2121c0d760b5cca32b8c1fccbfcdfbaf");
}

TEST(DeliveryId, IsTheSameOnEveryRedelivery) {
    const Digest content{1, 2, 3};
    EXPECT_EQ(delivery_id(Secret("key"), "alice", "u1", content),
              delivery_id(Secret("key"), "alice", "u1", content));
}

//
TEST(DeliveryId, DependsOnEachOfItsParts) {
    const Digest content{1, 2, 3};
    const std::string id = delivery_id(Secret("key"), "alice", "u1", content);
    EXPECT_EQ(id.size(), 32U);
    EXPECT_NE(delivery_id(Secret("kez"), "alice", "u1", content), id);
    EXPECT_NE(delivery_id(Secret(""), "alice", "u1", content), id);
    EXPECT_NE(delivery_id(Secret("key"), "alicf", "u1", content), id);
    EXPECT_NE(delivery_id(Secret("key"), "alice", "u2", content), id);
    EXPECT_NE(delivery_id(Secret("key"), "alice", "u1", Digest{1, 2, 4}), id);
}

TEST(DeliveryId, KeepsAccountAndUidApart) {
    const Digest content{};
    const Secret key("key");
    EXPECT_NE(delivery_id(key, "alice", "1u", content), delivery_id(key, "alice1", "u", content));
    EXPECT_NE(delivery_id(key, "a1:b", "", content), delivery_id(key, "a", "b", content));
    EXPECT_NE(delivery_id(key, "a", "\0"s, content), delivery_id(key, "a", "", content));
}

}  // namespace
}  // namespace postrider::mail
