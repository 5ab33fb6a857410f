#include "postrider/mail/outgoing.h"

#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/mail_samples.h"

namespace postrider::mail {
namespace {

constexpr std::size_t kPiece = OutgoingMessage::Reader::kPiece;

Message message_of(std::string_view octets, std::size_t memory_limit = 1024UL * 1024) {
    MessageBuilder builder({testing::TempDir(), memory_limit});
    EXPECT_TRUE(builder.append(octets));
    auto message = builder.finish();
    EXPECT_TRUE(message);
    return std::move(*message);
}

std::string all_of(const OutgoingMessage& message) {
    OutgoingMessage::Reader reader(message);
    std::string octets;
    for (;;) {
        const auto piece = reader.next();
        EXPECT_TRUE(piece);
        if (!piece || piece->empty()) break;
        EXPECT_LE(piece->size(), kPiece);
        octets += *piece;
    }
    const auto again = reader.next();
    EXPECT_TRUE(again && again->empty()) << "the end is no end";
    EXPECT_EQ(octets.size(), message.size());
    return octets;
}

std::string sent(std::string_view received, std::string_view own, std::vector<Edit> edits) {
    return all_of(OutgoingMessage(message_of(received), std::string(own), std::move(edits)));
}

TEST(OutgoingMessage, IsTheOwnHeaderAndThenTheMessage) {
    EXPECT_EQ(sent("0123456789\r\n", "X: y\r\n", {}), "X: y\r\n0123456789\r\n");
    EXPECT_EQ(sent("0123456789\r\n", "", {}), "0123456789\r\n");
    EXPECT_EQ(sent("", "X: y\r\n", {}), "X: y\r\n");
    EXPECT_EQ(sent("", "", {}), "");
}

TEST(OutgoingMessage, LeavesOutWhatWasRemoved) {
    const std::string_view octets = "0123456789\r\n";
    EXPECT_EQ(sent(octets, "X\r\n", {{{0, 3}}}), "X\r\n3456789\r\n");
    EXPECT_EQ(sent(octets, "X\r\n", {{{4, 6}}}), "X\r\n01236789\r\n");
    EXPECT_EQ(sent(octets, "X\r\n", {{{10, 12}}}), "X\r\n0123456789");
    EXPECT_EQ(sent(octets, "X\r\n", {{{2, 4}}, {{4, 5}}, {{5, 7}}}), "X\r\n01789\r\n");
    EXPECT_EQ(sent(octets, "X\r\n", {{{0, 1}}, {{3, 3}}, {{9, 12}}}), "X\r\n12345678");
    EXPECT_EQ(sent(octets, "X\r\n", {{{0, 12}}}), "X\r\n");
    EXPECT_EQ(sent(octets, "", {{{0, 6}}, {{6, 12}}}), "");
}

TEST(OutgoingMessage, RemovesEveryRangeThereIs) {
    const std::string octets = "0123456\r\n";
    for (std::size_t begin = 0; begin <= octets.size(); ++begin) {
        for (std::size_t end = begin; end <= octets.size(); ++end) {
            EXPECT_EQ(sent(octets, "X\r\n", {{{begin, end}}}),
                      "X\r\n" + octets.substr(0, begin) + octets.substr(end));
        }
    }
}

TEST(OutgoingMessage, PutsInWhatAnEditSays) {
    EXPECT_EQ(sent("0123456789\r\n", "X\r\n", {{{0, 0}, "ab"}}), "X\r\nab0123456789\r\n");
    EXPECT_EQ(sent("0123456789\r\n", "", {{{2, 4}, "ab"}, {{4, 4}, "c"}, {{12, 12}, "d"}}),
              "01abc456789\r\nd");
    EXPECT_EQ(sent("", "", {{{0, 0}, "\r\n"}}), "\r\n");
    const std::string large(3 * kPiece + 7, 'i');
    EXPECT_TRUE(sent("0123", "", {{{2, 3}, large}}) == "01" + large + "3\r\n");
}

TEST(OutgoingMessage, ComesInPiecesOfAtMostKPieceAndNoFewerThanNeeded) {
    const std::string body = test::naive_canonical(test::random_octets(1, 3 * kPiece));
    const std::string own = std::string(kPiece + 1, 'h');
    const std::vector<Edit> edits = {
        {{10, 20}}, {{kPiece, kPiece + 5}}, {{2 * kPiece, 2 * kPiece}}};
    for (const std::size_t memory_limit : {0UL, 1024UL * 1024}) {
        const OutgoingMessage message(message_of(body, memory_limit), own, edits);
        std::string wanted = own + body;
        wanted.erase(own.size() + kPiece, 5).erase(own.size() + 10, 10);
        EXPECT_TRUE(all_of(message) == wanted);

        OutgoingMessage::Reader reader(message);
        std::size_t pieces = 0;
        while (!reader.next()->empty()) ++pieces;
        EXPECT_EQ(pieces, (wanted.size() + kPiece - 1) / kPiece);
    }
}

TEST(OutgoingMessage, ManyRemovedFieldsDoNotMakeManyPieces) {
    std::string octets;
    std::vector<Edit> edits;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        octets += "R\r\nk\r\n";
        edits.push_back({{6 * i, 6 * i + 3}});
    }
    const OutgoingMessage message(message_of(octets), "", edits);
    EXPECT_EQ(message.size(), 60'000U);
    OutgoingMessage::Reader reader(message);
    EXPECT_EQ(reader.next()->size(), 60'000U);
}

TEST(OutgoingMessage, ReadersInSeveralThreadsDoNotDisturbEachOther) {
    const std::string body = test::naive_canonical(test::random_octets(2, 5 * kPiece));
    for (const std::size_t memory_limit : {0UL, 1024UL * 1024}) {
        const OutgoingMessage message(message_of(body, memory_limit), "X: y\r\n", {{{0, 100}}});
        std::string here;
        std::string there;
        std::thread other([&] { there = all_of(message); });
        here = all_of(message);
        other.join();
        EXPECT_TRUE(here == "X: y\r\n" + body.substr(100));
        EXPECT_TRUE(there == here);
    }
}

TEST(OutgoingMessageDeathTest, RangesThatCannotBeAreABug) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto make = [](std::vector<Edit> edits) {
        const OutgoingMessage message(message_of("0123\r\n"), "", std::move(edits));
    };
    EXPECT_DEATH(make({{{0, 7}}}), "is_sorted_within");
    EXPECT_DEATH(make({{{3, 2}}}), "is_sorted_within");
    EXPECT_DEATH(make({{{3, 4}}, {{0, 1}}}), "is_sorted_within");
    EXPECT_DEATH(make({{{0, 3}}, {{2, 4}}}), "is_sorted_within");
}

}  // namespace
}  // namespace postrider::mail
