#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/smtp/capability_parser.h"

namespace postrider::smtp {
namespace {

TEST(SmtpCapabilities, AreFoundInTheReply) {
    const auto found = parse_capabilities(
        "mx.example\nPIPELINING\nSIZE 10240000\nVRFY\nSTARTTLS\nENHANCEDSTATUSCODES\n8BITMIME\n"
        "SMTPUTF8\nCHUNKING\nAUTH PLAIN login");
    EXPECT_TRUE(found.pipelining && found.size && found.starttls && found.enhanced_codes &&
                found.eight_bit_mime && found.smtputf8 && found.chunking);
    EXPECT_EQ(found.max_size, 10240000U);
    EXPECT_EQ(found.auth, (std::vector<std::string>{"PLAIN", "LOGIN"}));
}

TEST(SmtpCapabilities, AreFoundInAnyCaseAndWithOddBlanks) {
    const auto found = parse_capabilities("mx\nPipelining\n  size\t77 \nstartTLS \n8bitmime x");
    EXPECT_TRUE(found.pipelining && found.starttls && found.eight_bit_mime);
    EXPECT_EQ(found.max_size, 77U);
}

TEST(SmtpCapabilities, FirstLineIsTheNameOfTheServer) {
    EXPECT_FALSE(parse_capabilities("PIPELINING").pipelining);
    EXPECT_FALSE(parse_capabilities("STARTTLS\nSIZE").starttls);
    EXPECT_FALSE(parse_capabilities("").size);
}

TEST(SmtpCapabilities, KeywordsMatchWhole) {
    const auto found = parse_capabilities("mx\nXPIPELINING\nSTARTTLSX\nSIZES 5\nX STARTTLS\n\n");
    EXPECT_FALSE(found.pipelining || found.starttls || found.size);
}

TEST(SmtpCapabilities, SizeMayTellNoLimit) {
    for (const auto* line : {"SIZE", "SIZE 0", "SIZE x", "SIZE -1", "SIZE 99999999999999999999"}) {
        const auto found = parse_capabilities(std::string("mx\n") + line);
        EXPECT_TRUE(found.size) << line;
        EXPECT_EQ(found.max_size, 0U) << line;
    }
    EXPECT_EQ(parse_capabilities("mx\nSIZE 18446744073709551615").max_size, UINT64_MAX);
}

TEST(SmtpCapabilities, AuthIsReadInTheOldFormTooAndNamedOnce) {
    const auto found = parse_capabilities("mx\nAUTH PLAIN LOGIN\nAUTH=LOGIN CRAM-MD5\nAUTH");
    EXPECT_EQ(found.auth, (std::vector<std::string>{"PLAIN", "LOGIN", "CRAM-MD5"}));
}

TEST(SmtpCapabilities, XclientNamesItsAttributes) {
    const auto found = parse_capabilities("mx\nXCLIENT NAME addr proto\nDSN\nXCLIENTS HELO");
    EXPECT_TRUE(found.dsn);
    EXPECT_EQ(found.xclient, (std::vector<std::string>{"NAME", "ADDR", "PROTO"}));
}

}  // namespace
}  // namespace postrider::smtp
