#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/smtp/reply_reader.h"

namespace postrider::smtp {
namespace {

using namespace std::string_view_literals;

/// What a reader makes of the bytes, given in pieces: replies, then perhaps an error.
struct Read {
    std::vector<Reply> replies;
    std::optional<Errc> error;
    bool is_idle = true;
};

Read read_pieces(const std::vector<std::string_view>& pieces) {
    ReplyReader reader;
    Read read;
    for (std::string_view input : pieces) {
        while (!input.empty()) {
            auto reply = reader.read(input);
            if (!reply) {
                read.error = reply.error().code;
                return read;
            }
            if (!*reply) break;
            read.replies.push_back(**reply);
        }
        EXPECT_TRUE(input.empty());
    }
    read.is_idle = reader.is_idle();
    return read;
}

Read read_all(std::string_view bytes) {
    return read_pieces({bytes});
}

Reply read_one(std::string_view bytes) {
    const Read read = read_all(bytes);
    EXPECT_FALSE(read.error);
    EXPECT_TRUE(read.is_idle);
    if (read.replies.size() != 1) {
        ADD_FAILURE() << read.replies.size() << " replies";
        return {};
    }
    return read.replies.front();
}

TEST(SmtpReplyReader, ReadsCodeEnhancedCodeAndText) {
    const Reply reply = read_one("550 5.1.1 <x@y>: no such user\r\n");
    EXPECT_EQ(reply.code, 550);
    EXPECT_EQ(reply.enhanced, "5.1.1");
    EXPECT_EQ(reply.text, "<x@y>: no such user");
    EXPECT_TRUE(reply.is_permanent());
}

TEST(SmtpReplyReader, JoinsTheLinesOfAReply) {
    const Reply reply = read_one("250-mx.example\r\n250-SIZE 10\r\n250 PIPELINING\r\n");
    EXPECT_EQ(reply.code, 250);
    EXPECT_EQ(reply.text, "mx.example\nSIZE 10\nPIPELINING");
}

TEST(SmtpReplyReader, SaysAnEnhancedCodeThatEveryLineRepeatsOnce) {
    const Reply reply = read_one("550-5.7.1 no\r\n550-5.7.2 other\r\n550 5.7.1 never\r\n");
    EXPECT_EQ(reply.enhanced, "5.7.1");
    EXPECT_EQ(reply.text, "no\n5.7.2 other\nnever");
}

TEST(SmtpReplyReader, TakesShortForms) {
    for (const auto bytes : {"250\r\n", "250 \r\n", "250-\r\n250\r\n", "250-\r\n250 \r\n"}) {
        const Reply reply = read_one(bytes);
        EXPECT_EQ(reply.code, 250) << bytes;
        EXPECT_EQ(reply.text.find_first_not_of('\n'), std::string::npos) << bytes;
    }
    EXPECT_EQ(read_one("334\r\n").code, 334);
}

TEST(SmtpReplyReader, HyphenAloneLeavesTheReplyOpen) {
    const Read read = read_all("250-\r\n");
    EXPECT_TRUE(read.replies.empty());
    EXPECT_FALSE(read.error);
    EXPECT_FALSE(read.is_idle);
}

TEST(SmtpReplyReader, KeepsAnyOctetOfTheText) {
    EXPECT_EQ(read_one("220 \0\r\n"sv).text, "\0"sv);
    EXPECT_EQ(read_one("220 a\rb\xff\r\n").text, "a\rb\xff");
}

TEST(SmtpReplyReader, RejectsWhatIsNoReply) {
    for (const auto bytes :
         {"\r\n"sv, "2\r\n"sv, "33\r\n"sv, "2x0 a\r\n"sv, "25o a\r\n"sv, "2500 a\r\n"sv,
          "250\ta\r\n"sv, "250\0a\r\n"sv, " 250 a\r\n"sv, "+OK\r\n"sv, "* OK IMAP4\r\n"sv,
          "150 a\r\n"sv, "050 a\r\n"sv, "650 a\r\n"sv, "-50 a\r\n"sv, "334x\r\n"sv,
          "\x16\x03\x01\r\n"sv, "250-a\r\n\r\n"sv, "250-a\r\nfoo\r\n"sv}) {
        EXPECT_EQ(read_all(bytes).error, Errc::protocol) << bytes;
    }
}

// S-005
TEST(SmtpReplyReader, RejectsDifferentCodesInOneReply) {
    EXPECT_EQ(read_all("250-a\r\n251 b\r\n").error, Errc::protocol);
    EXPECT_EQ(read_all("250-a\r\n550 b\r\n").error, Errc::protocol);
}

TEST(SmtpReplyReader, TakesOnlyWellFormedEnhancedCodesOfTheSameClass) {
    EXPECT_EQ(read_one("250 2.0.0\r\n").enhanced, "2.0.0");
    EXPECT_EQ(read_one("250 2.0.0\r\n").text, "");
    EXPECT_EQ(read_one("450 4.123.456 x\r\n").enhanced, "4.123.456");
    for (const auto text :
         {"4.0.0 x", "2.0.0x", "2.0 x", "2..0 x", "2.0. x", "2.0000.0 x", "2.0.0000 x", "2.a.0 x",
          "2", "2.", " 2.0.0 x", "22.0.0 x", "2.0.0.0"}) {
        const Reply reply = read_one("250 " + std::string(text) + "\r\n");
        EXPECT_EQ(reply.enhanced, "") << text;
        EXPECT_EQ(reply.text, text);
    }
    EXPECT_EQ(read_one("354 3.0.0 go\r\n").enhanced, "");
}

TEST(SmtpReplyReader, TakesOneReplyAtATime) {
    ReplyReader reader;
    std::string_view input = "250 a\r\n550 b\r\n";
    EXPECT_EQ((*reader.read(input))->text, "a");
    EXPECT_EQ(input, "550 b\r\n");
}

// S-005
TEST(SmtpReplyReader, ReadsTheSameAtEverySplit) {
    const std::string bytes =
        "220 hi\r\n250-a\r\n250-\r\n250 2.1.0 c\r\n550\r\n421 4.3.2 by\ne\r\n";
    const Read whole = read_all(bytes);
    ASSERT_EQ(whole.replies.size(), 4U);
    const std::string_view view = bytes;
    for (std::size_t i = 0; i <= bytes.size(); ++i) {
        for (std::size_t j = i; j <= bytes.size(); ++j) {
            const Read read =
                read_pieces({view.substr(0, i), view.substr(i, j - i), view.substr(j)});
            ASSERT_EQ(read.replies.size(), 4U) << i << ", " << j;
            for (std::size_t k = 0; k < 4; ++k) {
                ASSERT_EQ(read.replies[k].code, whole.replies[k].code);
                ASSERT_EQ(read.replies[k].enhanced, whole.replies[k].enhanced);
                ASSERT_EQ(read.replies[k].text, whole.replies[k].text);
            }
        }
    }
}

TEST(SmtpReplyReader, BareLfEndsNoLineOfAServerThatSendsCrlf) {
    const Read read = read_all("220 hi\r\n550 you said\n250 ok\r\n250 real\r\n");
    ASSERT_EQ(read.replies.size(), 3U);
    EXPECT_EQ(read.replies[1].code, 550);
    EXPECT_EQ(read.replies[1].text, "you said\n250 ok");
    EXPECT_EQ(read.replies[2].text, "real");
    EXPECT_TRUE(read_all("220 hi\r\n250\n").replies.size() == 1);
}

TEST(SmtpReplyReader, BareLfEndsTheLinesOfAServerThatBeganSo) {
    const Read read = read_all("220 hi\n250-a\n250 b\n250\n250 crlf\r\n");
    ASSERT_EQ(read.replies.size(), 4U);
    EXPECT_EQ(read.replies[1].text, "a\nb");
    EXPECT_EQ(read.replies[3].text, "crlf");
}

TEST(SmtpReplyReader, LimitsTheLine) {
    const std::string longest = "250 " + std::string(kMaxReplyLine - 4, 'x');
    EXPECT_EQ(read_one(longest + "\r\n").text.size(), kMaxReplyLine - 4);
    EXPECT_EQ(read_one(longest + "\n").text.size(), kMaxReplyLine - 4);
    EXPECT_FALSE(read_all(longest + "\r").error);
    EXPECT_EQ(read_all(longest + "x").error, Errc::limit) << "even before it ends";
    EXPECT_EQ(read_all(longest + "x\r\n").error, Errc::limit);
    EXPECT_EQ(read_all(longest + "\r\r\n").error, Errc::limit);
    EXPECT_EQ(read_all("220 a\r\n" + longest + "\n\r\n").error, Errc::limit);
    const std::string_view view = longest;
    EXPECT_FALSE(read_pieces({view.substr(0, 9), view.substr(9), "\r", "\n"}).error);
    EXPECT_EQ(read_pieces({view.substr(0, 9), view.substr(9), "x"}).error, Errc::limit);
}

// S-005
TEST(SmtpReplyReader, LimitsTheLines) {
    std::string open;
    for (std::size_t i = 0; i < kMaxReplyLines - 1; ++i) open += "250-\r\n";
    EXPECT_EQ(read_all(open + "250 \r\n").replies.size(), 1U);
    EXPECT_EQ(read_all(open + "250-\r\n250 \r\n").error, Errc::limit);
}

TEST(SmtpReplyReader, LimitsTheText) {
    // 31 lines of 2047 octets, each with the '\n' that joins it to the next, and a last one of
    // 2048.
    static_assert(kMaxReplyText == 32UL * 2048);
    std::string open;
    for (int i = 0; i < 31; ++i) open += "250-" + std::string(2047, 'x') + "\r\n";
    EXPECT_EQ(read_one(open + "250 " + std::string(2048, 'x') + "\r\n").text.size(), kMaxReplyText);
    EXPECT_EQ(read_all(open + "250 " + std::string(2049, 'x') + "\r\n").error, Errc::limit);
}

}  // namespace
}  // namespace postrider::smtp
