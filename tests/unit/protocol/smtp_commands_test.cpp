#include <gtest/gtest.h>

#include "protocol/smtp/commands.h"
#include "smtp_session.h"

namespace postrider::smtp {
namespace {

Capabilities everything() {
    Capabilities offered;
    offered.size = offered.eight_bit_mime = offered.smtputf8 = true;
    return offered;
}

TEST(SmtpCommands, MailNamesTheSender) {
    EXPECT_EQ(mail_command(transaction_to(1), {}, {}), "MAIL FROM:<s@a.example>\r\n");
}

TEST(SmtpCommands, NoSenderIsTheNullSender) {
    Transaction transaction = transaction_to(1);
    transaction.envelope.sender.reset();
    EXPECT_EQ(mail_command(transaction, {}, {}), "MAIL FROM:<>\r\n");
}

TEST(SmtpCommands, MailHasTheParametersThatAreOfferedAndNeeded) {
    Transaction transaction = transaction_to(1);
    transaction.size = 1234;
    EXPECT_EQ(mail_command(transaction, everything(), {}), "MAIL FROM:<s@a.example> SIZE=1234\r\n");
    transaction.has_8bit = true;
    EXPECT_EQ(mail_command(transaction, everything(), {}),
              "MAIL FROM:<s@a.example> SIZE=1234 BODY=8BITMIME\r\n");
    EXPECT_EQ(mail_command(transaction, {}, {}), "MAIL FROM:<s@a.example>\r\n");
}

TEST(SmtpCommands, SmtpUtf8IsAskedForByAddressesOnly) {
    Transaction transaction = transaction_to(1);
    transaction.has_8bit = true;
    EXPECT_FALSE(needs_smtputf8(transaction.envelope));
    transaction.envelope.recipients.push_back(address("j\xc3\xbcrg@b.example"));
    EXPECT_EQ(mail_command(transaction, everything(), {}),
              "MAIL FROM:<s@a.example> SIZE=0 BODY=8BITMIME SMTPUTF8\r\n");
    transaction.envelope.recipients.pop_back();
    transaction.envelope.sender = address("j\xc3\xbcrg@b.example");
    EXPECT_TRUE(needs_smtputf8(transaction.envelope));
}

TEST(SmtpCommands, RcptNamesTheRecipient) {
    EXPECT_EQ(rcpt_command(address("r@b.example"), everything(), {}), "RCPT TO:<r@b.example>\r\n");
}

// RFC 3461
TEST(SmtpCommands, DeliveryStatusIsAskedForWhereItIsOffered) {
    Transaction transaction = transaction_to(1);
    transaction.envid = "id+1=x y";
    const DsnWishes dsn{"FAILURE,DELAY", "HDRS"};
    Capabilities offered;
    offered.dsn = true;
    EXPECT_EQ(mail_command(transaction, offered, dsn),
              "MAIL FROM:<s@a.example> RET=HDRS ENVID=id+2B1+3Dx+20y\r\n");
    EXPECT_EQ(rcpt_command(address("r@b.example"), offered, dsn),
              "RCPT TO:<r@b.example> NOTIFY=FAILURE,DELAY\r\n");
    EXPECT_EQ(mail_command(transaction, {}, dsn), "MAIL FROM:<s@a.example>\r\n");
    EXPECT_EQ(rcpt_command(address("r@b.example"), {}, dsn), "RCPT TO:<r@b.example>\r\n");
    EXPECT_EQ(rcpt_command(address("r@b.example"), offered, {}), "RCPT TO:<r@b.example>\r\n");
}

}  // namespace
}  // namespace postrider::smtp
