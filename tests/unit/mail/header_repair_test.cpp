#include "postrider/mail/header_repair.h"

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

const std::vector<Address> kBob = {*Address::parse("bob@here.example")};

/// The message as it goes out, without our own lines.
std::string repaired(const std::string& octets, DeliveredTo delivered_to = DeliveredTo::rename) {
    MessageBuilder builder({"", octets.size() + 1});
    EXPECT_TRUE(builder.append(octets));
    const OutgoingMessage message(*builder.finish(), "",
                                  header_edits(octets, scan_header(octets), delivered_to, kBob));
    OutgoingMessage::Reader reader(message);
    std::string all;
    for (auto piece = reader.next(); piece && !piece->empty(); piece = reader.next()) {
        all += *piece;
    }
    EXPECT_EQ(all.size(), message.size());
    return all;
}

// S-025
TEST(HeaderRepair, AGoodHeaderStaysAsItIs) {
    for (const std::string good :
         {"Subject: x\r\n\r\nbody\r\n", "\r\nbody\r\n", "", "\r\n", "Odd-Name: x\r\n",
          "\r\nSubject: in the body\r\n", "\r\nNote: a\r\nSubject: b\r\n\r\n"}) {
        EXPECT_EQ(repaired(good), good);
    }
}

// S-025
TEST(HeaderRepair, TheLineOfAnMboxBecomesAField) {
    EXPECT_EQ(repaired("From ann Mon Nov 23\r\nSubject: x\r\n\r\nb\r\n"),
              "X-Postrider-Mbox: From ann Mon Nov 23\r\nSubject: x\r\n\r\nb\r\n");
    EXPECT_EQ(repaired(">From ann\r\n\r\nb\r\n"), "X-Postrider-Mbox: >From ann\r\n\r\nb\r\n");
    EXPECT_EQ(repaired("From here on\r\nthere is text only\r\n"),
              "\r\nFrom here on\r\nthere is text only\r\n");
}

// S-025
TEST(HeaderRepair, WhatHasNoNameGetsOne) {
    EXPECT_EQ(repaired(" continued\r\nSubject: x\r\n\r\nb\r\n"),
              "X-Postrider-Orphan:  continued\r\nSubject: x\r\n\r\nb\r\n");
    EXPECT_EQ(repaired("X-POP3-Rcpt bob\r\nReturn-Path: <a@b>\r\nSubject: x\r\n\r\n"),
              "X-Postrider-Orphan: X-POP3-Rcpt bob\r\nSubject: x\r\n\r\n");
}

// S-025
TEST(HeaderRepair, EmptyLinesAboveAHeaderGo) {
    EXPECT_EQ(repaired("\r\n\r\nReceived: x\r\nSubject: x\r\n\r\nb\r\n"),
              "Received: x\r\nSubject: x\r\n\r\nb\r\n");
}

// S-025, S-028: our own lines above it must not become its header.
TEST(HeaderRepair, AMessageWithoutAHeaderGetsAnEmptyLine) {
    EXPECT_EQ(repaired("Hello!\r\n\r\nbye\r\n"), "\r\nHello!\r\n\r\nbye\r\n");
    EXPECT_EQ(repaired("  indented\r\ntext\r\n"), "\r\n  indented\r\ntext\r\n");
}

// S-024
TEST(HeaderRepair, DeliveredToThatNamesTheRecipientIsNoLoop) {
    const std::string head =
        "Delivered-To: other@here.example\r\nReturn-Path: <a@b>\r\ndelivered-to:\r\n "
        "<BOB@here.example>\r\n"
        "Subject: x\r\n\r\nDelivered-To: bob@here.example\r\n";
    EXPECT_EQ(repaired(head),
              "Delivered-To: other@here.example\r\nX-delivered-to:\r\n <BOB@here.example>\r\n"
              "Subject: x\r\n\r\nDelivered-To: bob@here.example\r\n");
    EXPECT_EQ(repaired(head, DeliveredTo::drop),
              "Subject: x\r\n\r\nDelivered-To: bob@here.example\r\n");
    EXPECT_EQ(repaired(head, DeliveredTo::keep),
              "Delivered-To: other@here.example\r\ndelivered-to:\r\n <BOB@here.example>\r\n"
              "Subject: x\r\n\r\nDelivered-To: bob@here.example\r\n");
}

std::string loop(const std::string& head) {
    return loop_fault(head, scan_header(head), "here.example").value_or("");
}

// S-023
TEST(HeaderRepair, WhatWasFetchedHereTwiceGoesRound) {
    const std::string ours =
        "Received: from pop.example ([192.0.2.1])\r\n\tby here.example with POP3S id "
        "1;\r\n\tdate\r\n";
    const std::string others =
        "Received: from a by there.example with POP3 id 1; date\r\n"
        "Received: from a by here.example with ESMTP id 1; date\r\n";
    EXPECT_EQ(loop(others + others + ours + "\r\n"), "") << "forwarded to a mailbox fetched here";
    EXPECT_EQ(loop(ours + others + ours + "\r\n"),
              "it goes round: it was fetched here 2 times before");
    EXPECT_EQ(loop("Subject: x\r\n\r\n" + ours + ours), "") << "in the body";
}

// S-023
TEST(HeaderRepair, WhatTooManyServersHadGoesRound) {
    std::string head;
    for (std::size_t i = 0; i < kMostReceived; ++i) {
        head += "Received: x\r\n";
    }
    EXPECT_EQ(loop(head + "\r\n"), "");
    EXPECT_EQ(loop(head + "Received: x\r\n\r\n"), "it goes round: 101 servers had it before");
}

// S-026
TEST(HeaderRepair, FolderDataIsNoMail) {
    EXPECT_TRUE(is_folder_data(
        "From: Mail System Internal Data <MAILER-DAEMON@h>\r\n"
        "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\nX-IMAP: 1 2\r\n\r\n"));
    EXPECT_FALSE(is_folder_data("Subject: FOLDER INTERNAL DATA\r\n\r\nX-IMAP: 1 2\r\n"));
    EXPECT_FALSE(is_folder_data("X-IMAPbase: 1 2\r\nSubject: hello\r\n\r\n"));
}

}  // namespace
}  // namespace postrider::mail
