// Bounces are told with the null sender, to people only (S-012, RFC 3464, RFC 3834).
#include "postrider/mail/bounce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

Address address(const std::string& text) {
    return *Address::parse(text);
}

std::string fault(const std::string& sender, const std::string& head = "Subject: x\r\n\r\n") {
    Envelope envelope;
    if (!sender.empty()) {
        envelope.sender = address(sender);
    }
    envelope.recipients = {address("alice@here.example")};
    return fault_of_bounce(envelope, head).value_or("");
}

TEST(BounceFault, PeopleAreTold) {
    EXPECT_EQ(fault("ann@example.net"), "");
    EXPECT_EQ(fault("ann@example.net", "Auto-Submitted: no\r\nSubject: List-Id: x\r\n\r\n"), "");
    EXPECT_EQ(fault("ann@example.net", "Precedence: first-class\r\n\r\n"), "");
    EXPECT_EQ(fault("ann@example.net", "Subject: x\r\n\r\nList-Id: in the body\r\n"), "");
}

TEST(BounceFault, NobodyIsToldOfABounce) {
    EXPECT_EQ(fault(""), "it has no sender");
    EXPECT_EQ(fault("ann@example.net", "Content-Type: multipart/report; x=y\r\n\r\n"),
              "a program has sent it");
}

TEST(BounceFault, ProgramsAndListsAreNotTold) {
    for (const char* const field :
         {"Auto-Submitted: auto-generated", "auto-submitted:auto-replied; x=y", "Precedence: bulk",
          "precedence: LIST", "Precedence: junk", "X-Auto-Response-Suppress: All"}) {
        EXPECT_EQ(fault("ann@example.net", std::string(field) + "\r\n\r\n"),
                  "a program has sent it")
            << field;
    }
    for (const char* const field : {"List-Id: <a.b>", "List-Unsubscribe: <mailto:a@b>",
                                    "LIST-POST:\r\n <mailto:a@b>", "Mailing-List: x"}) {
        EXPECT_EQ(fault("ann@example.net", std::string(field) + "\r\n\r\n"),
                  "it is of a mailing list")
            << field;
    }
    for (const char* const sender :
         {"MAILER-DAEMON@example.net", "postmaster@example.net", "owner-list@example.net",
          "list-request@example.net", "list-owner@example.net", "bounces+ann=x@example.net",
          "list-bounces@example.net", "no-reply@example.net", "noreply-4711@example.net"}) {
        EXPECT_EQ(fault(sender), "its sender is a program or a list") << sender;
    }
}

TEST(BounceFault, NothingGoesRound) {
    EXPECT_EQ(fault("ALICE@here.example"), "its sender is its recipient");
    EXPECT_EQ(fault("ann@example.net", "X-Postrider-Id: 0\r\n\r\n"), "it came by here before");
    EXPECT_EQ(fault("ann@localhost"), "its sender is no address of the Internet");
    EXPECT_EQ(fault("ann@[192.0.2.1]"), "its sender is no address of the Internet");
}

Bounce bounce(std::string_view head) {
    return {.delivery_id = "0123abcd",
            .by_host = "here.example",
            .sender = address("ann@example.net"),
            .failed = {{address("alice@here.example"), 550, "5.1.1", "no such user"},
                       {address("bob@here.example"), 0, "", "lost"}},
            .head = head,
            .time = WallTime(std::chrono::seconds(1795399560))};
}

TEST(BounceText, IsAReportThatProgramsUnderstand) {
    EXPECT_EQ(bounce_text(bounce("Subject: hello\r\n\r\nsecret\r\n")),
              "From: Mail Delivery System <MAILER-DAEMON@here.example>\r\n"
              "To: <ann@example.net>\r\n"
              "Subject: Undelivered Mail Returned to Sender\r\n"
              "Date: Mon, 23 Nov 2026 02:06:00 +0000\r\n"
              "Message-ID: <0123abcd.bounce@here.example>\r\n"
              "Auto-Submitted: auto-replied\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: multipart/report; report-type=delivery-status;\r\n"
              "\tboundary=\"0123abcd=bounce\"\r\n"
              "\r\n"
              "--0123abcd=bounce\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "\r\n"
              "This is here.example, which fetches mail for the addresses below.\r\n"
              "\r\n"
              "A message from you could not be delivered, and this will not be tried again.\r\n"
              "Its header is attached.\r\n"
              "\r\n"
              "<alice@here.example>:\r\n"
              "    550 5.1.1 no such user\r\n"
              "\r\n"
              "<bob@here.example>:\r\n"
              "    lost\r\n"
              "\r\n"
              "--0123abcd=bounce\r\n"
              "Content-Type: message/delivery-status\r\n"
              "\r\n"
              "Reporting-MTA: dns; here.example\r\n"
              "X-Postrider-Id: 0123abcd\r\n"
              "\r\n"
              "Final-Recipient: rfc822; alice@here.example\r\n"
              "Action: failed\r\n"
              "Status: 5.1.1\r\n"
              "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
              "\r\n"
              "Final-Recipient: rfc822; bob@here.example\r\n"
              "Action: failed\r\n"
              "Status: 5.0.0\r\n"
              "\r\n"
              "--0123abcd=bounce\r\n"
              "Content-Type: text/rfc822-headers\r\n"
              "\r\n"
              "Subject: hello\r\n"
              "\r\n"
              "--0123abcd=bounce--\r\n");
}

TEST(BounceText, AddressesBeyondAsciiAreToldAsSuch) {
    Bounce global = bounce("Subject: x\r\n\r\n");
    global.failed.front().recipient = address("\xc3\xa9@here.example");
    const std::string text = bounce_text(global);
    EXPECT_THAT(text, HasSubstr("Content-Type: message/global-delivery-status\r\n"
                                "Content-Transfer-Encoding: 8bit\r\n"));
    EXPECT_THAT(text, HasSubstr("Final-Recipient: utf-8; \xc3\xa9@here.example\r\n"));
}

TEST(BounceText, NothingOfTheMessageCanEndItsPart) {
    const std::string head =
        "Subject: x\r\n--0123abcd=bounce--\r\nX: a" + std::string(1, '\0') + "b\r\n\r\nbody\r\n";
    const std::string text = bounce_text(bounce(head));
    EXPECT_THAT(text, HasSubstr("Subject: x\r\nX: a?b\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("--0123abcd=bounce--\r\nX:")));
    EXPECT_EQ(text.find('\0'), std::string::npos);
}

TEST(BounceText, AHeaderWithoutAnEndIsCut) {
    std::string head;
    while (head.size() < 4 * kReturnedHeaderLimit) {
        head += "X-Line: " + std::to_string(head.size()) + "\r\n";
    }
    EXPECT_LT(bounce_text(bounce(head)).size(), kReturnedHeaderLimit + 4096);
}

}  // namespace
}  // namespace postrider::mail
