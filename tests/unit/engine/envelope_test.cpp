// Whom a message is for and from, and what of its header is changed on the way.
#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

using store::Phase;

class EnvelopeOfPollTest : public PollTest {
  protected:
    EnvelopeOfPollTest() { policy.delete_after = 0s; }

    void multidrop() {
        policy.recipients.clear();
        policy.recipient_rule.emplace();
        policy.recipient_rule->header = "X-Original-To";
        policy.recipient_rule->domains = {"isp.example"};
    }
    void add_with(const std::string& uid, const std::string& fields) {
        source.add(uid, fields + "Subject: " + uid + "\r\n\r\nbody\r\n");
    }
};

// S-022
TEST_F(EnvelopeOfPollTest, OurOwnReceivedLineMayBeOmitted) {
    policy.adds_received = false;
    add_with("m1", "");
    good_poll();
    ASSERT_EQ(sink.accepted().size(), 1U);
    const std::string content = sink.accepted().back().octets;
    EXPECT_TRUE(content.starts_with("X-Postrider-Id: "));
    EXPECT_EQ(content.substr(content.find("\r\n") + 2), "Subject: m1\r\n\r\nbody\r\n");
}

// S-015
TEST_F(EnvelopeOfPollTest, RecipientsStandInTheNamedField) {
    multidrop();
    add_with("m1", "X-Original-To: bob@isp.example\r\n");
    add_with("m2", "X-Original-To: carol@isp.example, dan@isp.example\r\n");
    EXPECT_EQ(good_poll().delivered, 2U);
    EXPECT_EQ(sink.accepted("m1", "bob@isp.example"), 1U);
    EXPECT_EQ(sink.accepted("m2", "carol@isp.example"), 1U);
    EXPECT_EQ(sink.accepted("m2", "dan@isp.example"), 1U);
    EXPECT_TRUE(source.mailbox.empty());
}

// S-015
TEST_F(EnvelopeOfPollTest, WhatIsForNobodyIsHeld) {
    multidrop();
    add_with("m1", "To: bob@isp.example\r\n");
    const PollReport done = good_poll();
    EXPECT_EQ(done.held, 1U);
    EXPECT_NE(done.last_trouble.find("no field X-Original-To"), std::string::npos);
    EXPECT_TRUE(sink.tried().empty());
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_TRUE(held.copies().front().what.envelope.recipients.empty());
    EXPECT_EQ(phase("m1"), Phase::held);
    EXPECT_TRUE(source.holds("m1"));
    good_poll();
    EXPECT_EQ(held.copies().size(), 1U);
    EXPECT_EQ(source.count("fetch m1"), 1U);
}

// S-015
TEST_F(EnvelopeOfPollTest, OrSomebodyGetsIt) {
    multidrop();
    policy.recipient_rule->unmatched = address("postmaster@localhost");
    add_with("m1", "X-Original-To: victim@elsewhere.example\r\n");
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(sink.accepted("m1", "postmaster@localhost"), 1U);
    EXPECT_EQ(sink.accepted().size(), 1U);
}

TEST_F(EnvelopeOfPollTest, OnlyWhoLacksItGetsItAgain) {
    multidrop();
    add_with("m1", "X-Original-To: bob@isp.example, carol@isp.example\r\n");
    sink.answer("m1", test::put_off(), "carol@isp.example");
    EXPECT_EQ(good_poll().put_off, 1U);
    sink.clear_script();
    EXPECT_EQ(good_poll().delivered, 1U);
    EXPECT_EQ(sink.accepted("m1", "bob@isp.example"), 1U);
    EXPECT_EQ(sink.accepted("m1", "carol@isp.example"), 1U);
}

// S-012
TEST_F(EnvelopeOfPollTest, TheSenderMayBeSet) {
    add_with("m1", "Return-Path: <ann@example.net>\r\n");
    good_poll();
    EXPECT_EQ(sink.accepted().back().sender, address("ann@example.net"));
    policy.sender = {EnvelopeSender::Kind::null, std::nullopt};
    add_with("m2", "Return-Path: <ann@example.net>\r\n");
    good_poll();
    EXPECT_FALSE(sink.accepted().back().sender);
    policy.sender = {EnvelopeSender::Kind::fixed, address("fetched@localhost")};
    add_with("m3", "Return-Path: <ann@example.net>\r\n");
    good_poll();
    EXPECT_EQ(sink.accepted().back().sender, address("fetched@localhost"));
    EXPECT_EQ(sink.accepted().back().octets.find("Return-Path"), std::string::npos);
}

// S-023
TEST_F(EnvelopeOfPollTest, WhatGoesRoundIsHeldAndHandedToNobody) {
    policy.recipients = {address("alice@localhost"), address("bob@localhost")};
    const std::string passage =
        "Received: from pop.example.net\r\n\tby here.example.net with POP3S id 1;\r\n\tdate\r\n";
    add_with("m1", passage + passage);
    EXPECT_EQ(good_poll().held, 1U);
    EXPECT_TRUE(sink.tried().empty());
    ASSERT_EQ(held.copies().size(), 1U);
    EXPECT_EQ(held.copies().front().what.envelope.recipients, policy.recipients);
    EXPECT_TRUE(held.copies().front().what.reason.starts_with("it goes round"));
    EXPECT_TRUE(source.holds("m1"));
}

// S-024, S-025
TEST_F(EnvelopeOfPollTest, TheHeaderIsRepaired) {
    source.add("m1",
               "From ann Mon Nov 23\r\nDelivered-To: alice@localhost\r\nSubject: m1\r\n\r\nb\r\n");
    source.add("m2", "no header at all\r\n");
    EXPECT_EQ(good_poll().delivered, 2U);
    EXPECT_TRUE(sink.accepted().front().octets.ends_with(
        "\r\nX-Postrider-Mbox: From ann Mon Nov 23\r\nX-Delivered-To: alice@localhost\r\n"
        "Subject: m1\r\n\r\nb\r\n"));
    EXPECT_TRUE(sink.accepted().back().octets.ends_with("\r\n\r\nno header at all\r\n"));
}

// S-026
TEST_F(EnvelopeOfPollTest, DataOfTheServerIsNeitherDeliveredNorDeleted) {
    source.add("m1",
               "From: Mail System Internal Data\r\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER "
               "INTERNAL DATA\r\nX-IMAP: 1 2\r\n\r\ntext\r\n");
    const PollReport done = good_poll();
    EXPECT_EQ(done.skipped, 1U);
    EXPECT_EQ(phase("m1"), Phase::skipped);
    loop.advance(24h * 30);
    good_poll();
    EXPECT_EQ(source.count("fetch"), 1U);
    EXPECT_TRUE(source.holds("m1"));
    EXPECT_TRUE(sink.tried().empty());
}

}  // namespace
}  // namespace postrider::engine
