// Framing as a property: whatever a body holds, it is one message, and its octets are the body's.
#include <fstream>

#include <gtest/gtest.h>

#include "postrider/mail/message.h"

#include "protocol/pop3/multiline_reader.h"
#include "support/mail_samples.h"
#include "unit/protocol/pop3_script.h"

namespace postrider::pop3 {
namespace {

using namespace std::string_literals;

/// As RFC 1939 section 3 has a server send it: a body that does not end in CRLF gets one.
std::string with_line_end(std::string body) {
    if (!body.empty() && !body.ends_with("\r\n")) {
        body += "\r\n";
    }
    return body;
}

std::string on_the_wire(std::string_view body) {
    std::string wire;
    while (!body.empty()) {
        const std::size_t end = body.find("\r\n");
        const std::string_view line = body.substr(0, end == body.npos ? end : end + 2);
        wire += line.starts_with('.') ? "." : "";
        wire += line;
        body.remove_prefix(line.size());
    }
    return wire + ".\r\n";
}

/// Reads a message in the pieces that the cuts make, and gives what follows it back.
struct Read {
    std::string body;
    std::string rest;
    int ends = 0;
};

Read read(std::string_view wire, std::size_t first, std::size_t second) {
    MultilineReader reader;
    Read read;
    for (std::string_view piece :
         {wire.substr(0, first), wire.substr(first, second - first), wire.substr(second)}) {
        while (!piece.empty() && read.ends == 0) {
            const auto next = reader.next(piece);
            read.body += next.bytes;
            read.ends += next.end ? 1 : 0;
        }
        read.rest += piece;
    }
    return read;
}

constexpr std::string_view kOctets("\r\n.\0a", 5);

// P-004, P-005, A-020: every body of up to six such octets, cut at every place.
TEST(Pop3Framing, AnyMixOfLineEndsDotsAndNulsIsOneMessage) {
    for (const std::string& octets : test::all_strings(kOctets, 6)) {
        const std::string body = with_line_end(octets);
        const std::string wire = on_the_wire(body) + "+OK";
        for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
            const Read got = read(wire, cut, cut);
            ASSERT_EQ(got.ends, 1) << escaped(wire) << " cut at " << cut;
            ASSERT_EQ(got.body, body) << escaped(wire) << " cut at " << cut;
            ASSERT_EQ(got.rest, "+OK") << escaped(wire) << " cut at " << cut;
        }
    }
}

TEST(Pop3Framing, AndInThreePiecesToo) {
    for (const std::string& octets : test::all_strings(kOctets, 3)) {
        const std::string body = with_line_end(octets);
        const std::string wire = on_the_wire(body) + "+OK";
        for (std::size_t first = 0; first <= wire.size(); ++first) {
            for (std::size_t second = first; second <= wire.size(); ++second) {
                const Read got = read(wire, first, second);
                ASSERT_EQ(got.body, body) << escaped(wire) << ' ' << first << ' ' << second;
                ASSERT_EQ(got.rest, "+OK") << escaped(wire) << ' ' << first << ' ' << second;
            }
        }
    }
}

// S-001: and what becomes of it has canonical line ends.
TEST(Pop3Framing, TheMessageHasTheCanonicalOctetsOfTheBody) {
    for (const std::string& octets : test::all_strings(kOctets, 4)) {
        const std::string body = with_line_end(octets);
        mail::MessageBuilder builder{mail::Spool{}};
        ASSERT_TRUE(builder.append(read(on_the_wire(body), 1, 2).body));
        const auto message = builder.finish();
        ASSERT_TRUE(message);
        ASSERT_EQ(message->head(100).value(), test::naive_canonical(body)) << escaped(body);
    }
}

/// Resident pages of this process, in octets.
std::size_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::size_t all = 0;
    std::size_t pages = 0;
    statm >> all >> pages;
    return pages * 4096;
}

// P-003: a line of a message may be of any length, and nothing of it is kept.
TEST(Pop3Framing, ALineOfOneGibibyteIsPassedOnWithoutBeingKept) {
    Script s = logged_in();
    s.dialogue().retr(1);
    (void)s.sent();
    const std::string block(64 * 1024, 'x');
    std::string_view opening = "+OK\r\n";
    EXPECT_TRUE(std::holds_alternative<NeedInput>(s.dialogue().next(opening)));
    const std::size_t before = resident();
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < 16 * 1024; ++i) {
        std::string_view input = block;
        while (!input.empty()) {
            const Event event = s.dialogue().next(input);
            ASSERT_TRUE(std::holds_alternative<MessagePart>(event));
            octets += std::get<MessagePart>(event).bytes.size();
        }
    }
    EXPECT_EQ(octets, 1ULL << 30U);
    EXPECT_LT(resident(), before + 1024UL * 1024);
}

// P-003: a status line without an end is given up at the limit.
TEST(Pop3Framing, AStatusLineWithoutAnEndIsRefusedAtItsLimit) {
    Script s(settings());
    s.server("+OK " + std::string(kMaxReplyLine - 4, 'x'));
    EXPECT_EQ(s.events(), "");
    s.server("x");
    EXPECT_EQ(s.events(), "[failed limit]");
}

// P-019: so is a UID of a MiB, long before its end.
TEST(Pop3Framing, AUidOfOneMebibyteIsRefusedAtItsLimit) {
    Script s = logged_in();
    s.dialogue().list();
    (void)s.sent();
    s.server("+OK\r\n1 " + std::string(kMaxListLine - 2, 'x'));
    EXPECT_EQ(s.events(), "");
    s.server(std::string(1024UL * 1024, 'x'));
    EXPECT_EQ(s.events(), "[failed limit]");
}

// P-017: the largest listing there may be, and one message more.
TEST(Pop3Framing, AListingOfAMillionMessagesIsReadAndOneMoreRefused) {
    const auto listing = [](std::uint64_t count) {
        std::string lines = "+OK\r\n";
        for (std::uint64_t i = 1; i <= count; ++i) {
            lines += fmt::format("{} {}\r\n", i, i);
        }
        return lines + ".\r\n";
    };
    for (const bool is_over : {false, true}) {
        Script s = logged_in();
        s.dialogue().list();
        (void)s.sent();
        const std::string lines = listing(kMaxMessages + (is_over ? 1 : 0));
        const std::size_t before = resident();
        s.server(lines);
        if (!is_over) {
            s.server(lines);
            EXPECT_LT(resident(), before + 400UL * 1024 * 1024);
            EXPECT_NE(s.events().find(" 1000000:1000000:1000000]"), std::string::npos);
        } else {
            EXPECT_EQ(s.events(), "[failed limit]");
        }
    }
}

}  // namespace
}  // namespace postrider::pop3
