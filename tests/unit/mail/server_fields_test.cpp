#include "postrider/mail/server_fields.h"

#include <string>

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

// S-026
TEST(ServerFields, AreToldFromThoseOfTheSender) {
    for (const char* line : {"Status: RO\r\n", "X-UIDL: abc\r\n", "x-imapbase:1", "X-Status: A"}) {
        EXPECT_TRUE(begins_field_of_server(line)) << line;
    }
    for (const char* line : {"", "Statuses: x", "X-UID", "Subject: Status: RO", " Status: RO"}) {
        EXPECT_FALSE(begins_field_of_server(line)) << line;
    }
}

// S-026
TEST(ServerFields, CountWithTheirContinuationsAndLineEnds) {
    EXPECT_EQ(octets_of_server_fields(""), 0U);
    EXPECT_EQ(octets_of_server_fields("Subject: x\r\n y\r\n\r\n"), 0U);
    const std::string status = "Status: RO\r\n";
    const std::string uid = "X-UIDL: a\r\n\tb\r\n";
    EXPECT_EQ(octets_of_server_fields(status + "Subject: x\r\n y\r\n" + uid + "To: z\r\n\r\n"),
              status.size() + uid.size());
    EXPECT_EQ(octets_of_server_fields("Subject: x\r\n\r\n" + status), 0U) << "the body";
    EXPECT_EQ(octets_of_server_fields("Status: R"), 9U) << "a header that was cut";
    EXPECT_EQ(octets_of_server_fields("Status: R\nTo: x\n\nStatus: R\n"), 10U);
}

}  // namespace
}  // namespace postrider::mail
