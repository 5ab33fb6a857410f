#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocol/pop3/listing.h"

namespace postrider::pop3 {
namespace {

std::string text_of(const std::vector<Listed>& messages) {
    std::string text;
    for (const auto& m : messages) {
        text += fmt::format("{}:{}:{};", m.number, m.uid, m.size);
    }
    return text;
}

/// "1:uid:size;" of each message, or the code of the error.
std::string joined(const std::vector<std::string>& uids, const std::vector<std::string>& sizes) {
    ListingReader reader;
    for (const auto& line : uids) {
        if (const auto added = reader.add_uid(line); !added) {
            return std::string(to_text(added.error().code));
        }
    }
    for (const auto& line : sizes) {
        if (const auto added = reader.add_size(line); !added) {
            return std::string(to_text(added.error().code));
        }
    }
    const auto messages = reader.join();
    return messages ? text_of(*messages) : std::string(to_text(messages.error().code));
}

std::string protocol() {
    return std::string(to_text(Errc::protocol));
}

std::string limit() {
    return std::string(to_text(Errc::limit));
}

TEST(Pop3Listing, JoinsUidsAndSizes) {
    EXPECT_EQ(joined({"1 a", "2 b"}, {"1 100", "2 200"}), "1:a:100;2:b:200;");
    EXPECT_EQ(joined({}, {}), "");
}

// P-018
TEST(Pop3Listing, TakesAnyOrderAndAnyBlanksAndAPrefix) {
    EXPECT_EQ(joined({"3 c", "1 a", "2 b"}, {"2 200", "3 300", "1 100"}),
              "1:a:100;2:b:200;3:c:300;");
    EXPECT_EQ(joined({"1   a", "2\t \tb ", " 3 c"}, {"1   100", "2\t200 trailing text", "3 300"}),
              "1:a:100;2:b:200;3:c:300;");
    EXPECT_EQ(joined({"+OK 1 a", "+ok 2 b"}, {"+OK 1 100", "2 200"}), "1:a:100;2:b:200;");
}

// P-018
TEST(Pop3Listing, GivesAMessageWithoutUidAnEmptyOne) {
    EXPECT_EQ(joined({"1", "2 ", "3 c"}, {"1 1", "2 2", "3 3"}), "1::1;2::2;3:c:3;");
}

// P-020
TEST(Pop3Listing, LeavesOutWhatIsInOneListOnly) {
    EXPECT_EQ(joined({"1 a", "3 c", "4 d"}, {"2 2", "3 3", "5 5"}), "3:c:3;");
    EXPECT_EQ(joined({"1 a"}, {}), "");
    EXPECT_EQ(joined({}, {"1 1"}), "");
}

// P-018: a server that says these does not know what a number means.
TEST(Pop3Listing, IsBotchedByNumbersThatAreNone) {
    for (const char* line :
         {"0 a", "", " ", "x a", "-1 a", "+1 a", "1x a", "0x1 a", "+OK", "1.0 a", "+OK a 1"}) {
        EXPECT_EQ(joined({line}, {}), protocol()) << line;
    }
    for (const char* line :
         {"0 1", "", "x 1", "1", "1 ", "1 x", "1 -1", "1 +1", "1 1x", "1 18446744073709551616"}) {
        EXPECT_EQ(joined({}, {line}), protocol()) << line;
    }
}

// P-018
TEST(Pop3Listing, IsBotchedByANumberThatComesTwice) {
    EXPECT_EQ(joined({"1 a", "2 b", "1 c"}, {"1 1", "2 2"}), protocol());
    EXPECT_EQ(joined({"1 a", "2 b"}, {"1 1", "2 2", "02 2"}), protocol());
}

// P-019
TEST(Pop3Listing, KeepsUidsAsOpaqueOctets) {
    const std::string odd = "../../etc/passwd%n\x1b[2J\x9b\xff';DROP a b";
    EXPECT_EQ(joined({"1 " + odd}, {"1 1"}), "1:" + odd + ":1;");
    const std::string longest(kMaxUid, 'u');
    EXPECT_EQ(joined({"1 " + longest}, {"1 1"}), "1:" + longest + ":1;");
}

// P-019: what could be cut short by a careless hand is not let in.
TEST(Pop3Listing, PassesOverAUidLineWithNulOrCr) {
    EXPECT_EQ(joined({std::string("1 a\0b", 5), "2 b\rc", "3 c"}, {"1 1", "2 2", "3 3"}), "3:c:3;");
}

// P-019, A-010
TEST(Pop3Listing, RefusesAUidOneOctetOverTheLimit) {
    EXPECT_EQ(joined({"1 " + std::string(kMaxUid + 1, 'u')}, {}), limit());
}

//
TEST(Pop3Listing, RefusesUidsThatAreTooMuchTogether) {
    ListingReader reader;
    const std::string uid(kMaxUid - 24, 'u');  // 1000 octets: the limit is a multiple of it
    ASSERT_EQ(kMaxUidOctets % uid.size(), 0U);
    for (std::uint64_t i = 1; i <= kMaxUidOctets / uid.size(); ++i) {
        ASSERT_TRUE(reader.add_uid(fmt::format("{} {}", i, uid)));
    }
    const auto over = reader.add_uid("999999 u");
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::limit);
}

// P-017: a number is a count, and nothing is allocated for it.
TEST(Pop3Listing, RefusesANumberOneOverTheLimit) {
    EXPECT_EQ(joined({"1000000 a"}, {"1000000 1"}), "1000000:a:1;");
    for (const char* number : {"1000001", "4294967297", "18446744073709551616"}) {
        EXPECT_EQ(joined({std::string(number) + " a"}, {}), limit()) << number;
        EXPECT_EQ(joined({}, {std::string(number) + " 1"}), limit()) << number;
    }
}

// P-017, A-010
TEST(Pop3Listing, RefusesOneLineOverTheLimit) {
    ListingReader reader;
    bool is_taken = true;
    for (std::uint64_t i = 0; i < kMaxMessages; ++i) {
        is_taken = is_taken && reader.add_size("1 1");
        is_taken = is_taken && reader.add_uid("\r");  // lines that are passed over count as well
    }
    EXPECT_TRUE(is_taken);
    EXPECT_FALSE(reader.add_size("1 1"));
    EXPECT_FALSE(reader.add_uid("\r"));
}

}  // namespace
}  // namespace postrider::pop3
