#include "postrider/mail/date.h"

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

std::string told(std::string_view text) {
    const auto date = parse_date(text);
    return date ? iso8601(*date) : "none";
}

// RFC 5322 section 3.3
TEST(Date, ReadsDateTimeWithAndWithoutWhatIsOptional) {
    EXPECT_EQ(told("Mon, 23 Nov 2026 02:06:07 +0100"), "2026-11-23T01:06:07Z");
    EXPECT_EQ(told("23 Nov 2026 02:06 -0330"), "2026-11-23T05:36:00Z");
    EXPECT_EQ(told("  mon , 3 nov 2026 02:06:07 +0000 (Central (European) Time)"),
              "2026-11-03T02:06:07Z");
    EXPECT_EQ(told("Mon,\r\n 23 Nov 2026\r\n 02:06:07 GMT"), "2026-11-23T02:06:07Z");
}

// RFC 5322 section 4.3
TEST(Date, ReadsObsoleteYearsAndZones) {
    EXPECT_EQ(told("1 Jan 03 00:00:00 EST"), "2003-01-01T05:00:00Z");
    EXPECT_EQ(told("1 Jan 97 00:00:00 PDT"), "1997-01-01T07:00:00Z");
    EXPECT_EQ(told("1 Jan 103 00:00:00 Q"), "2003-01-01T00:00:00Z");
    EXPECT_EQ(told("1 Jan 2003 00:00:00"), "2003-01-01T00:00:00Z");
}

TEST(Date, WhatIsNoDateIsNone) {
    for (const char* const text :
         {"", "yesterday", "Mon, 23 Nov", "31 Feb 2026 00:00:00 +0000",
          "23 Nov 2026 24:00:00 +0000", "23 Nov 2026 10:60:00 +0000", "23 Nov 2026 1:2:3:4 +0000",
          "23 Foo 2026 10:00:00 +0000", "99999999999999999999 Nov 2026 10:00:00",
          "-3 Nov 2026 10:00:00 +0000"}) {
        EXPECT_EQ(told(text), "none") << text;
    }
}

std::string received(std::string_view head) {
    const auto date = received_date(head);
    return date ? iso8601(*date) : "none";
}

TEST(Date, TheTopmostReceivedTellsWhenAMessageCame) {
    EXPECT_EQ(received("Return-Path: <a@b>\r\n"
                       "Received: from x by y (z; 1)\r\n\twith SMTP id 1; "
                       "Mon, 23 Nov 2026 02:06:07 +0000\r\n"
                       "Received: from w by x; Sun, 22 Nov 2026 02:06:07 +0000\r\n"
                       "Date: Sat, 1 Jan 2000 00:00:00 +0000\r\n"
                       "\r\n"),
              "2026-11-23T02:06:07Z");
}

TEST(Date, DateCountsWhereNoReceivedTells) {
    EXPECT_EQ(received("Received: from x by y\r\nDATE: 1 Jan 2000 00:00:00 +0000\r\n"),
              "2000-01-01T00:00:00Z");
    EXPECT_EQ(received("Subject: x\r\n\r\nDate: 1 Jan 2000 00:00:00 +0000\r\n"), "none");
    EXPECT_EQ(received(""), "none");
    EXPECT_EQ(received("no colon"), "none");
}

}  // namespace
}  // namespace postrider::mail
