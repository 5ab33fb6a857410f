#include "postrider/mail/message.h"

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "postrider/base/text.h"

#include "support/mail_samples.h"

namespace postrider::mail {
namespace {

using namespace std::string_literals;
using test::naive_canonical;
using test::random_octets;

constexpr std::string_view kAlphabet("\r\n.\0a", 5);

class MessageTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string path = testing::TempDir() + "postrider-mail-XXXXXX";
        ASSERT_NE(::mkdtemp(path.data()), nullptr);
        directory_ = path;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] Spool spool(std::size_t memory_limit = 256UL * 1024) const {
        return {directory_.string(), memory_limit};
    }

    [[nodiscard]] Message build(std::initializer_list<std::string_view> pieces,
                                std::size_t memory_limit = 256UL * 1024) const {
        MessageBuilder builder(spool(memory_limit));
        for (const std::string_view piece : pieces) EXPECT_TRUE(builder.append(piece));
        auto message = builder.finish();
        EXPECT_TRUE(message) << message.error().text;
        return std::move(*message);
    }

    std::filesystem::path directory_;
};

std::string all_of(const Message& message) {
    auto octets = message.head(message.facts().size);
    EXPECT_TRUE(octets);
    return octets.value_or("unreadable");
}

/// Collects mismatches: a googletest assertion for each of 97,000 strings would cost more than the
/// code under test.
struct Mismatches {
    void check(std::string_view received, const std::string& got) {
        const std::string wanted = naive_canonical(received);
        if (got == wanted && test::is_canonical(got)) return;
        if (++count == 1) first = escaped(received) + " gives " + escaped(got);
    }
    std::size_t count = 0;
    std::string first;
};

TEST_F(MessageTest, BringsEveryShortStringIntoCanonicalForm) {
    Mismatches wrong;
    for (const std::string& received : test::all_strings(kAlphabet, 7)) {
        wrong.check(received, all_of(build({received})));
    }
    EXPECT_EQ(wrong.count, 0U) << wrong.first;
}

TEST_F(MessageTest, DoesNotDependOnWhereThePiecesAreSplit) {
    Mismatches wrong;
    for (const std::string& received : test::all_strings("\r\na", 6)) {
        for (std::size_t at = 0; at <= received.size(); ++at) {
            const std::string_view text = received;
            wrong.check(received, all_of(build({text.substr(0, at), text.substr(at)})));
        }
    }
    EXPECT_EQ(wrong.count, 0U) << wrong.first;
}

TEST_F(MessageTest, TakesOddMailOctetByOctetAsAtOnce) {
    auto mails = test::smuggling_mails();
    for (const auto& more : {test::nul_mails(), test::misshapen_mails()}) {
        mails.insert(mails.end(), more.begin(), more.end());
    }
    for (const auto& mail : mails) {
        const Message at_once = build({mail.octets});
        MessageBuilder builder(spool());
        for (const char octet : mail.octets) ASSERT_TRUE(builder.append({&octet, 1}));
        const auto message = builder.finish();
        ASSERT_TRUE(message);
        EXPECT_EQ(all_of(*message), naive_canonical(mail.octets)) << mail.name;
        EXPECT_EQ(all_of(at_once), all_of(*message)) << mail.name;
        EXPECT_EQ(at_once.facts().sha256, message->facts().sha256) << mail.name;
        EXPECT_EQ(at_once.facts().longest_line, message->facts().longest_line) << mail.name;
        EXPECT_EQ(at_once.facts().has_nul, message->facts().has_nul) << mail.name;
        EXPECT_EQ(at_once.facts().has_8bit, message->facts().has_8bit) << mail.name;
    }
}

TEST_F(MessageTest, LetsNoSmuggledLineEndThrough) {
    for (const auto& mail : test::smuggling_mails()) {
        EXPECT_TRUE(test::is_canonical(all_of(build({mail.octets})))) << mail.name;
    }
}

TEST_F(MessageTest, GivesTheSameOutOfFileAndMemoryWhateverThePieces) {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
        const bool odd = seed % 2 == 0;
        const std::string received =
            random_octets(seed, 150'000 + seed, odd ? kAlphabet : std::string_view());
        const Message in_memory = build({received}, 1024UL * 1024);
        MessageBuilder builder(spool(1000));
        std::string_view rest = received;
        for (std::size_t piece = 1; !rest.empty(); piece = (piece * 7 + seed) % 90'000) {
            ASSERT_TRUE(builder.append(rest.substr(0, piece)));
            rest.remove_prefix(std::min(piece, rest.size()));
        }
        const auto in_file = builder.finish();
        ASSERT_TRUE(in_file);
        EXPECT_TRUE(all_of(*in_file) == naive_canonical(received)) << seed;
        EXPECT_TRUE(all_of(*in_file) == all_of(in_memory)) << seed;
        EXPECT_EQ(in_file->facts().sha256, in_memory.facts().sha256);
        EXPECT_EQ(in_file->facts().size, in_memory.facts().size);
        EXPECT_EQ(in_file->facts().longest_line, in_memory.facts().longest_line);
    }
}

// S-028
TEST_F(MessageTest, AMessageWithoutOctetsIsValidAndStaysEmpty) {
    const Message message = build({"", ""});
    EXPECT_EQ(message.facts().size, 0U);
    EXPECT_EQ(message.facts().received_octets, 0U);
    EXPECT_EQ(message.facts().longest_line, 0U);
    EXPECT_EQ(to_hex(message.facts().sha256),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(all_of(message), "");
}

TEST_F(MessageTest, KnowsTheFactsOfWhatCameIn) {
    const Message message = build({"a: b\n\nlonger li", "ne\rabc"});
    EXPECT_EQ(all_of(message), "a: b\r\n\r\nlonger line\r\nabc\r\n");
    EXPECT_EQ(message.facts().size, 26U);
    EXPECT_EQ(message.facts().received_octets, 21U);
    EXPECT_EQ(message.facts().longest_line, 11U);
    EXPECT_FALSE(message.facts().has_8bit);
    EXPECT_FALSE(message.facts().has_nul);
    // printf 'a: b\r\n\r\nlonger line\r\nabc\r\n' | sha256sum
    EXPECT_EQ(to_hex(message.facts().sha256),
              "60a3adf9d4a1a9e547806663d18e2f700a04a4443cf509496783f76760ab62c6");
}

// S-026
TEST_F(MessageTest, IsKnownWithoutWhatServersWriteIntoItsHeader) {
    const Digest plain = build({"A: b\r\nStatus-Of: x\r\n\r\nStatus: 5\r\n"}).facts().sha256;
    const std::string marked =
        "Status: O\r\nA: b\r\nX-UIDL: 7\r\n\tand more\r\nStatus-Of: x\r\n"
        "x-imapbase: 1795859608                    6\r\nX-UID: 1\r\nX-Status: A\r\nX-IMAP: 1\r\n"
        "X-Keywords:\r\nSTATUS:OR\r\n\r\nStatus: 5\r\n";
    for (std::size_t split = 0; split <= marked.size(); ++split) {
        EXPECT_EQ(build({marked.substr(0, split), marked.substr(split)}, 20).facts().sha256, plain)
            << split;
    }
    EXPECT_NE(build({"A: b\r\nStatus-Of: x\r\n\r\nStatus: 6\r\n"}).facts().sha256, plain);
    EXPECT_NE(build({"A: b\r\nStatus-Of: y\r\n\r\nStatus: 5\r\n"}).facts().sha256, plain);
}

TEST_F(MessageTest, ALineThatContinuesNothingIsPartOfWhatItIsKnownBy) {
    EXPECT_NE(build({" a\r\nB: c\r\n"}).facts().sha256, build({" b\r\nB: c\r\n"}).facts().sha256);
    EXPECT_NE(build({"a"}).facts().sha256, build({"b"}).facts().sha256);
}

TEST_F(MessageTest, MeasuresALongestLineThatEndsInAnyWay) {
    EXPECT_EQ(build({"aa\r\naaaa\r\na\r\n"}).facts().longest_line, 4U);
    EXPECT_EQ(build({"aa\naaaa\na"}).facts().longest_line, 4U);
    EXPECT_EQ(build({"aa\raaaa\ra"}).facts().longest_line, 4U);
    EXPECT_EQ(build({"a\r\naaaa"}).facts().longest_line, 4U);
    EXPECT_EQ(build({"a\r\naa", "aa\r", "\na"}).facts().longest_line, 4U);
    EXPECT_EQ(build({"a\r\naaaa\r"}).facts().longest_line, 4U);
    EXPECT_EQ(build({std::string(500'000, 'a'), "a"}, 1000).facts().longest_line, 500'001U);
}

TEST_F(MessageTest, SeesAn8BitOctetOrANulWhereverItStands) {
    for (std::size_t length = 1; length <= 20; ++length) {
        for (std::size_t at = 0; at < length; ++at) {
            std::string octets(length, '\x7f');
            EXPECT_FALSE(build({octets}).facts().has_8bit);
            octets[at] = '\x80';
            EXPECT_TRUE(build({octets}).facts().has_8bit) << at << " of " << length;
            EXPECT_FALSE(build({octets}).facts().has_nul);
            octets[at] = '\0';
            EXPECT_TRUE(build({octets}).facts().has_nul) << at << " of " << length;
            EXPECT_FALSE(build({octets}).facts().has_8bit);
        }
    }
}

TEST_F(MessageTest, RemembersAFlagOfAnEarlierPiece) {
    const MessageFacts facts = build({"\x80\0"s, "plain\r\n"}).facts();
    EXPECT_TRUE(facts.has_8bit);
    EXPECT_TRUE(facts.has_nul);
}

TEST_F(MessageTest, KeepsTheMemoryLimitInMemoryAndSpillsOneOctetBeyond) {
    const std::size_t limit = 1000;
    const Spool nowhere{(directory_ / "missing").string(), limit};
    const std::string line = std::string(limit - 2, 'a') + "\r\n";
    MessageBuilder fits(nowhere);
    EXPECT_TRUE(fits.append(line));
    EXPECT_TRUE(fits.finish());

    MessageBuilder spills(nowhere);
    EXPECT_FALSE(spills.append("a" + line));
    EXPECT_EQ(all_of(build({"a" + line}, limit)), "a" + line);
}

TEST_F(MessageTest, LeavesNoNameInTheSpoolDirectory) {
    const Message message = build({std::string(5000, 'a')}, 1000);
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
    EXPECT_EQ(message.facts().size, 5002U);
}

TEST_F(MessageTest, AMissingDirectoryIsAnErrorThatNamesItAndStays) {
    MessageBuilder builder({(directory_ / "missing").string(), 10});
    const auto appended = builder.append("more than ten octets");
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, Errc::io);
    EXPECT_EQ(appended.error().retry, Retry::later);
    EXPECT_THAT(appended.error().text, testing::HasSubstr("missing"));
    EXPECT_THAT(appended.error().text, testing::HasSubstr("No such file or directory"));

    EXPECT_FALSE(builder.append("x"));
    const auto finished = builder.finish();
    ASSERT_FALSE(finished) << "a message with a gap was finished";
    EXPECT_EQ(finished.error().code, Errc::io);
}

/// No file of this process may grow beyond `octets`; a write fails then as on a full disk.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t octets) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{octets, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

  private:
    rlimit before_{};
    void (*handler_)(int) = SIG_DFL;
};

TEST_F(MessageTest, AWriteThatFailsIsAnErrorOfAppendOrFinish) {
    const FileSizeLimit limit(100'000);
    MessageBuilder in_append(spool(1000));
    EXPECT_TRUE(in_append.append(std::string(50'000, 'a')));
    const auto appended = in_append.append(std::string(200'000, 'a'));
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, Errc::io);
    EXPECT_EQ(appended.error().retry, Retry::later);
    EXPECT_THAT(appended.error().text, testing::HasSubstr(directory_.string()));
    EXPECT_THAT(appended.error().text, testing::HasSubstr("File too large"));

    MessageBuilder in_finish(spool(1000));
    EXPECT_TRUE(in_finish.append(std::string(70'000, 'a')));
    EXPECT_TRUE(in_finish.append(std::string(40'000, 'a')));
    EXPECT_FALSE(in_finish.finish());
}

TEST_F(MessageTest, ReadsFromAnyOffsetAndStopsAtTheEnd) {
    for (const std::size_t memory_limit : {100UL, 0UL}) {
        const Message message = build({"0123456789\r\n"}, memory_limit);
        std::string into(4, '-');
        EXPECT_EQ(message.read(0, into), 4U);
        EXPECT_EQ(into, "0123");
        EXPECT_EQ(message.read(7, into), 4U);
        EXPECT_EQ(into, "789\r");
        EXPECT_EQ(message.read(10, into), 2U);
        EXPECT_EQ(into, "\r\n9\r");
        EXPECT_EQ(message.read(12, into), 0U);
        EXPECT_EQ(message.read(UINT64_MAX, into), 0U);
        EXPECT_EQ(message.read(0, std::span<char>()), 0U);
        EXPECT_EQ(message.head(3), "012");
        EXPECT_EQ(message.head(12), "0123456789\r\n");
        EXPECT_EQ(message.head(1000), "0123456789\r\n");
        EXPECT_EQ(message.head(0), "");
    }
}

TEST_F(MessageTest, CountsTheReceivedOctetsOnTheWay) {
    MessageBuilder builder(spool());
    EXPECT_EQ(builder.received_octets(), 0U);
    ASSERT_TRUE(builder.append("a\n\r"));
    EXPECT_EQ(builder.received_octets(), 3U);
    ASSERT_TRUE(builder.append("\n"));
    EXPECT_EQ(builder.received_octets(), 4U);
}

TEST_F(MessageTest, MovesWithItsBody) {
    Message first = build({"first"});
    Message second = build({"second"}, 0);
    std::swap(first, second);
    EXPECT_EQ(all_of(first), "second\r\n");
    EXPECT_EQ(all_of(second), "first\r\n");
}

}  // namespace
}  // namespace postrider::mail
