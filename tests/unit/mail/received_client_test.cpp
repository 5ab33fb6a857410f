#include "postrider/mail/received_client.h"

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

/// "ADDRESS NAME HELO PROTOCOL", "-" for what is not told.
std::string told(const ReceivedClient& client) {
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
    return or_dash(client.address) + " " + or_dash(client.name) + " " + or_dash(client.helo) + " " +
           or_dash(client.protocol);
}

std::string told(std::string_view value) {
    return told(parse_received(value));
}

TEST(ReceivedClient, UnderstandsPostfixAndSendmail) {
    EXPECT_EQ(told("from helo.example (name.example [192.0.2.1])\r\n\tby mx.isp.example (Postfix) "
                   "with ESMTPS id 4F\r\n\tfor <a@isp.example>; Mon, 1 Jan 2024 00:00:00 +0000"),
              "192.0.2.1 name.example helo.example ESMTP");
    EXPECT_EQ(told("from h (unknown [IPv6:2001:DB8::1]) by mx with SMTP id 1; x"),
              "2001:db8::1 - h SMTP");
    EXPECT_EQ(told("from h (root@n.example [192.0.2.1] (may be forged)) by mx with ESMTP id 1"),
              "192.0.2.1 n.example h ESMTP");
    EXPECT_EQ(told("from h.example (n.example. [192.0.2.1]) by mx.google.com with ESMTPS id 1"),
              "192.0.2.1 n.example h.example ESMTP");
}

TEST(ReceivedClient, UnderstandsExim) {
    EXPECT_EQ(
        told("from n.example ([192.0.2.1]:40000 helo=h.example)\r\n by mx with esmtps (TLS1.3)"),
        "192.0.2.1 n.example h.example ESMTP");
    EXPECT_EQ(told("from n.example ([192.0.2.1]) by mx with esmtp"), "192.0.2.1 - n.example ESMTP");
    EXPECT_EQ(told("from [192.0.2.1] (helo=h.example) by mx with smtp"),
              "192.0.2.1 - h.example SMTP");
}

TEST(ReceivedClient, UnderstandsQmailAndExchange) {
    EXPECT_EQ(told("from unknown (HELO h.example) (192.0.2.1) by 0 with SMTP; 1 Jan 2024"),
              "192.0.2.1 - h.example SMTP");
    EXPECT_EQ(told("from n.example (HELO h) (me@192.0.2.1) by mx with ESMTPA"),
              "192.0.2.1 n.example h ESMTP");
    EXPECT_EQ(told("from H.example (2001:db8::2) by M.example (2001:db8::3) with Microsoft SMTP "
                   "Server (version=TLS1_2) id 15"),
              "2001:db8::2 - H.example ESMTP");
    EXPECT_EQ(told("from h (n.example [::ffff:192.0.2.1]) by mx with ESMTP"),
              "192.0.2.1 n.example h ESMTP");
}

TEST(ReceivedClient, KnowsWhatIsNotTold) {
    EXPECT_EQ(told("by mx.example (Postfix, from userid 0) id 1; x"), "- - - -");
    EXPECT_EQ(told("(qmail 1 invoked from network); x"), "- - - -");
    EXPECT_EQ(told(""), "- - - -");
    EXPECT_EQ(told("from"), "- - - -");
    EXPECT_EQ(told("from h by mx with HTTP"), "- - h -");
}

// what the sender wrote gets no further than what it can be.
TEST(ReceivedClient, TellsNothingThatIsNoNameAndNoAddress) {
    EXPECT_EQ(told("from h\x01x (-bad-.example [192.0.2.999]) by mx with SMTP"), "- - - SMTP");
    EXPECT_EQ(told("from h (n..example [192.0.2.1]) by mx"), "192.0.2.1 - h -");
    EXPECT_EQ(told("from " + std::string(256, 'h') + " ([192.0.2.1]) by mx"), "192.0.2.1 - - -");
    EXPECT_EQ(told("from h (" + std::string(64, 'n') + ".example [192.0.2.1]) by mx"),
              "192.0.2.1 - h -");
    // No end of parentheses, no end of the line: all the same an answer.
    EXPECT_EQ(told("from h ((((n.example [192.0.2.1]"), "192.0.2.1 n.example h -");
}

TEST(ReceivedClient, CountsReceivedLinesFromTheTop) {
    const std::string_view head =
        "X-Other: from no (no [192.0.2.9]) by no\r\n"
        "Received: from one (n.example [192.0.2.1])\r\n\tby isp with ESMTP; x\r\n"
        "RECEIVED: from two ([192.0.2.2]) by mx with SMTP; x\r\n"
        "Subject: x\r\n\r\n"
        "Received: from body ([192.0.2.3]) by mx\r\n";
    EXPECT_EQ(told(received_client(head, 1)), "192.0.2.1 n.example one ESMTP");
    EXPECT_EQ(told(received_client(head, 2)), "192.0.2.2 - two SMTP");
    EXPECT_EQ(told(received_client(head, 3)), "- - - -");
    EXPECT_EQ(told(received_client("", 1)), "- - - -");
}

}  // namespace
}  // namespace postrider::mail
