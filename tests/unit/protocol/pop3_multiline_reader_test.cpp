#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/pop3/multiline_reader.h"

namespace postrider::pop3 {
namespace {

using namespace std::string_view_literals;

struct Read {
    std::string body;
    bool ended = false;
    std::string behind;  ///< what was left after the end
};

void feed(MultilineReader& reader, std::string_view piece, Read& read) {
    if (read.ended) {
        read.behind += piece;
        return;
    }
    for (;;) {
        const auto got = reader.next(piece);
        if (got.end) {
            read.ended = true;
            read.behind += piece;
            return;
        }
        if (got.bytes.empty()) {
            EXPECT_TRUE(piece.empty());
            return;
        }
        read.body += got.bytes;
    }
}

Read read_in_pieces(std::string_view wire, std::size_t first, std::size_t each) {
    MultilineReader reader;
    Read read;
    feed(reader, wire.substr(0, first), read);
    for (std::size_t at = first; at < wire.size(); at += each) {
        feed(reader, wire.substr(at, each), read);
    }
    return read;
}

/// Whole, byte by byte, and at every split in two: always this body and this rest.
void expect_body(std::string_view wire, std::string_view body, std::string_view behind = "") {
    const auto check = [&](const Read& read, std::size_t cut) {
        EXPECT_TRUE(read.ended) << "cut at " << cut;
        EXPECT_EQ(read.body, body) << "cut at " << cut;
        EXPECT_EQ(read.behind, behind) << "cut at " << cut;
    };
    check(read_in_pieces(wire, 0, 1), 0);
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        check(read_in_pieces(wire, cut, wire.size()), cut);
    }
}

void expect_no_end(std::string_view wire) {
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        EXPECT_FALSE(read_in_pieces(wire, cut, wire.size()).ended) << "cut at " << cut;
    }
}

// P-004
TEST(Pop3MultilineReader, EndsAtCrLfDotCrLf) {
    expect_body("a\r\nb\r\n.\r\n", "a\r\nb\r\n");
    expect_body("a\r\n.\r\n+OK next\r\n", "a\r\n", "+OK next\r\n");
}

// P-004: the beginning of the data counts as being behind CRLF.
TEST(Pop3MultilineReader, ReadsAnEmptyMessage) {
    expect_body(".\r\n", "");
    expect_body("\r\n.\r\n", "\r\n");
}

// P-004: every other way to write a line with one dot is content (A-020 has the payloads).
TEST(Pop3MultilineReader, TakesNoBareLfOrCrForALineEnd) {
    expect_body("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n");
    expect_body("a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n");
    expect_body("a\r.\rb\r\n.\r\n", "a\r.\rb\r\n");
    expect_body("a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n");
    expect_body("a\r.\nb\r\n.\r\n", "a\r.\nb\r\n");
    expect_body("a\n.\rb\r\n.\r\n", "a\n.\rb\r\n");
    expect_body("a\n\r.\r\nb\r\n.\r\n", "a\n\r.\r\nb\r\n");
    // At the start of a line, but not alone on it: these lose their dot and do not end anything.
    expect_body("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n");
    expect_body("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n");
    expect_body("a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n");
    expect_body("a\r\n.\r.\r\n.\r\n", "a\r\n\r.\r\n");
    expect_body("a\r\n\0.\r\nb\r\n.\r\n"sv, "a\r\n\0.\r\nb\r\n"sv);
    expect_body("a\r\n.\0\r\nb\r\n.\r\n"sv, "a\r\n\0\r\nb\r\n"sv);
}

// P-004: for a server that has ended every line in LF so far, LF.LF is the end and nothing else.
TEST(Pop3MultilineReader, InLfModeOnlyLfEndsALine) {
    const std::string_view wire = "..a\r.\rb\r\n.\r\n\n...\n.c\n.\nrest";
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        MultilineReader reader(MultilineReader::LineEnd::lf);
        std::string body;
        bool ended = false;
        for (std::string_view piece : {wire.substr(0, cut), wire.substr(cut)}) {
            while (!piece.empty() && !ended) {
                const auto next = reader.next(piece);
                body += next.bytes;
                ended = next.end;
            }
        }
        EXPECT_TRUE(ended) << cut;
        EXPECT_EQ(body, ".a\r.\rb\r\n\r\n\n..\nc\n") << cut;
    }
}

TEST(Pop3MultilineReader, WaitsForTheWholeTerminator) {
    expect_no_end("a\n.\n");
    expect_no_end("a\r\n.\n");
    expect_no_end("a\r\n.\r");
    expect_no_end("a\r\n.");
    expect_no_end("a.\r\n");
    expect_no_end("a\r.\r\n");
    expect_no_end("a\n.\r\n");
}

// P-005
TEST(Pop3MultilineReader, DropsExactlyOneDotOfALine) {
    expect_body("..\r\n.\r\n", ".\r\n");
    expect_body("...\r\n.\r\n", "..\r\n");
    expect_body("a\r\n..b\r\n.c\r\nd.\r\n.\r\n", "a\r\n.b\r\nc\r\nd.\r\n");
    expect_body("a\r\n....\r\n.\r\n", "a\r\n...\r\n");
}

TEST(Pop3MultilineReader, CanBeUsedAgainAfterTheEnd) {
    MultilineReader reader;
    std::string_view input = "a\r\n.\r\n.\r\n";
    EXPECT_EQ(reader.next(input).bytes, "a\r\n");
    EXPECT_TRUE(reader.next(input).end);
    EXPECT_TRUE(reader.next(input).end);
    EXPECT_TRUE(input.empty());
}

TEST(Pop3MultilineReader, HandsOutPlainLinesInOnePieceOfTheInput) {
    const std::string wire = "one.\r\ntwo\r\nth.ree\r\n.\r\n";
    MultilineReader reader;
    std::string_view input = wire;
    const auto piece = reader.next(input);
    EXPECT_EQ(piece.bytes.data(), wire.data());
    EXPECT_EQ(piece.bytes, "one.\r\ntwo\r\nth.ree\r\n");
}

/// Writes a body as RFC 1939 section 3 says, line by line; shares nothing with the reader.
std::string stuffed(const std::string& body) {
    std::string wire;
    std::size_t at = 0;
    while (at < body.size()) {
        const std::size_t end = body.find("\r\n", at);
        const std::size_t next = end == std::string::npos ? body.size() : end + 2;
        if (body[at] == '.') {
            wire += '.';
        }
        wire += body.substr(at, next - at);
        at = next;
    }
    return wire + ".\r\n";
}

// P-004, P-005: whatever is in a message, it comes out as it went in, once, at any cut.
TEST(Pop3MultilineReader, GivesBackRandomMessages) {
    constexpr std::string_view kAlphabet("\r\n.\0a", 5);
    std::mt19937 random(20240611);
    for (int round = 0; round < 20000; ++round) {
        std::string body;
        for (auto n = random() % 14; n > 0; --n) {
            body += kAlphabet[random() % kAlphabet.size()];
        }
        body += "\r\n";
        const std::string wire = stuffed(body) + "+OK";
        const Read read = read_in_pieces(wire, random() % wire.size(), 1 + random() % wire.size());
        ASSERT_TRUE(read.ended) << "round " << round;
        ASSERT_EQ(read.body, body) << "round " << round;
        ASSERT_EQ(read.behind, "+OK") << "round " << round;
    }
}

}  // namespace
}  // namespace postrider::pop3
