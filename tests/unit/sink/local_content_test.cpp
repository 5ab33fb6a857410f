#include "sink/local_content.h"

#include <gtest/gtest.h>

#include "unit/sink/local_fixture.h"

namespace postrider::sink {
namespace {

std::string all_of(LocalContent content) {
    std::string all;
    for (;;) {
        const auto piece = content.next();
        EXPECT_TRUE(piece);
        if (!piece || piece->empty()) {
            return all;
        }
        all += *piece;
    }
}

TEST(LocalContent, EndsLinesAsTheyAreWanted) {
    const auto message = message_of("A: b\n\n\n.x\r", "I: d\r\n");
    EXPECT_EQ(all_of({message, "T: op\r\n", mail::LineEnds::lf}), "T: op\nI: d\nA: b\n\n\n.x\n");
    EXPECT_EQ(all_of({message, "T: op\r\n", mail::LineEnds::crlf}),
              "T: op\r\nI: d\r\nA: b\r\n\r\n\r\n.x\r\n");
    EXPECT_EQ(all_of({message_of(""), "", mail::LineEnds::lf}), "");
}

TEST(LocalContent, ALineEndBetweenTwoPiecesIsOne) {
    for (std::size_t before = mail::OutgoingMessage::Reader::kPiece - 2;
         before <= mail::OutgoingMessage::Reader::kPiece + 1; ++before) {
        const std::string line(before, 'x');
        EXPECT_EQ(all_of({message_of(line + "\r\n"), "", mail::LineEnds::lf}), line + "\n");
    }
}

TEST(LocalContent, SaysWhatTheEnvelopeSays) {
    EXPECT_EQ(return_path_line(envelope_to({"b@c"}, "ann@example.net")),
              "Return-Path: <ann@example.net>\r\n");
    EXPECT_EQ(return_path_line(envelope_to({"b@c"})), "Return-Path: <>\r\n");
}

}  // namespace
}  // namespace postrider::sink
