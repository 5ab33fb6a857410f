#include "config/scalars.h"

#include <gtest/gtest.h>

namespace postrider::config {
namespace {

TEST(ParseSize, ReadsDecimalAndBinaryUnits) {
    EXPECT_EQ(parse_size("0"), 0U);
    EXPECT_EQ(parse_size("4096"), 4096U);
    EXPECT_EQ(parse_size("7B"), 7U);
    EXPECT_EQ(parse_size("64kB"), 64'000U);
    EXPECT_EQ(parse_size("4MB"), 4'000'000U);
    EXPECT_EQ(parse_size("256MiB"), 256U * 1024 * 1024);
    EXPECT_EQ(parse_size("1 GiB"), 1024U * 1024 * 1024);
    EXPECT_EQ(parse_size("2gb"), 2'000'000'000U);
}

TEST(ParseSize, RefusesWhatIsNoSizeAndWhatOverflows) {
    for (const std::string_view text : {"", "MiB", "-1", "1.5MB", "1M", "4MiBs", "0x10", "1 2"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
    EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
    EXPECT_EQ(parse_size("18446744073709551616"), std::nullopt);
    EXPECT_EQ(parse_size("17179869184GiB"), std::nullopt);
    EXPECT_NE(parse_size("17179869183GiB"), std::nullopt);
}

TEST(IsLoopback, KnowsThisMachineByItsNumbersAndOneName) {
    for (const std::string_view host :
         {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"}) {
        EXPECT_TRUE(is_loopback(host)) << host;
    }
    for (const std::string_view host : {"", "localhost.example", "128.0.0.1", "0.0.0.0",
                                        "::", "::2", "127.0.0.1.example", "mylocalhost", "127.1"}) {
        EXPECT_FALSE(is_loopback(host)) << host;
    }
}

TEST(HostFault, TakesNamesAndAddresses) {
    for (const std::string_view host :
         {"pop.example", "a", "xn--mx-yka.example", "192.0.2.1", "2001:db8::1", "a_b.example"}) {
        EXPECT_EQ(host_fault(host), std::nullopt) << host;
    }
    for (const std::string_view host : {"", ".", "a..b", "a.", "-a", "a-", "a b", "[::1]", "a:995",
                                        "p\xc3\xb6p.example", "a\nb", "http://a"}) {
        EXPECT_NE(host_fault(host), std::nullopt) << host;
    }
}

TEST(HostFault, HoldsTheLimitsOfNames) {
    const std::string label(63, 'a');
    EXPECT_EQ(host_fault(label), std::nullopt);
    EXPECT_NE(host_fault(label + "a"), std::nullopt);
    const std::string three = label + "." + label + "." + label + ".";  // 192 octets
    EXPECT_EQ(host_fault(three + std::string(61, 'b')), std::nullopt);
    EXPECT_NE(host_fault(three + std::string(62, 'b')), std::nullopt);
}

// S-014
TEST(HelloNameFault, TakesDomainsAndAddressLiterals) {
    for (const std::string_view name : {"mx.example", "localhost", "[192.0.2.1]", "[IPv6:::1]"}) {
        EXPECT_EQ(hello_name_fault(name), std::nullopt) << name;
    }
    for (const std::string_view name :
         {"", "192.0.2.1", "[]", "[mx]", "[::1]", "[IPv6:192.0.2.1]", "a_b", "a b", "mx\r\nRSET"}) {
        EXPECT_NE(hello_name_fault(name), std::nullopt) << name;
    }
}

TEST(NameFault, KeepsOutWhatWouldHarmAFileNameOrALogLine) {
    for (const std::string_view name : {"alice", "alice@isp.example", "a+b", "9.x_y-z"}) {
        EXPECT_EQ(name_fault(name), std::nullopt) << name;
    }
    for (const std::string_view name :
         {"", ".", "..", ".a", "-c", "a/b", "a b", "a:b", "a\n", "\xc3\xa4"}) {
        EXPECT_NE(name_fault(name), std::nullopt) << name;
    }
    EXPECT_EQ(name_fault(std::string(128, 'a')), std::nullopt);
    EXPECT_NE(name_fault(std::string(129, 'a')), std::nullopt);
}

TEST(CredentialFaults, KeepOutWhatWouldEndACommand) {
    using namespace std::string_view_literals;
    for (const std::string_view text : {"a\r"sv, "\nb"sv, "a\0b"sv, ""sv}) {
        EXPECT_NE(user_fault(text), std::nullopt) << text;
        EXPECT_NE(password_fault(text), std::nullopt) << text;
    }
    EXPECT_EQ(user_fault("a b"), std::nullopt);
    EXPECT_NE(user_fault(" a"), std::nullopt);
    EXPECT_NE(user_fault("a "), std::nullopt);
    EXPECT_EQ(password_fault(" a\tb\x80 "), std::nullopt);
}

}  // namespace
}  // namespace postrider::config
