// Recipients of a mailbox for many: from the field that the last server wrote (S-015).
#include "postrider/mail/recipient_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

using testing::ElementsAre;

Address address(const std::string& text) {
    return *Address::parse(text);
}

RecipientRule rule() {
    RecipientRule made;
    made.header = "X-Original-To";
    made.domains = {"isp.example"};
    return made;
}

/// The recipients, or the reason why there are none.
std::vector<std::string> found(const std::string& head, const RecipientRule& wanted = rule()) {
    const auto recipients = recipients_of(head, wanted);
    if (!recipients) {
        return {"! " + recipients.error().text};
    }
    std::vector<std::string> texts;
    for (const Address& one : *recipients) {
        texts.push_back(one.text());
    }
    return texts;
}

std::string to(const std::string& value) {
    return "Received: x\r\nX-Original-To: " + value + "\r\nTo: eve@isp.example\r\n\r\n";
}

TEST(RecipientRule, ReadsTheFieldAndNothingElse) {
    EXPECT_THAT(found(to("bob@isp.example")), ElementsAre("bob@isp.example"));
    EXPECT_THAT(found(to("<bob@ISP.example>")), ElementsAre("bob@ISP.example"));
    EXPECT_THAT(found("x-original-to :\r\n\tbob@isp.example\r\n\r\n"),
                ElementsAre("bob@isp.example"));
    EXPECT_THAT(found(to("bob@isp.example, <carol@isp.example>,bob@isp.example")),
                ElementsAre("bob@isp.example", "carol@isp.example"));
    EXPECT_THAT(found(to("\"a, b\"@isp.example")), ElementsAre("\"a, b\"@isp.example"));
    EXPECT_THAT(found("To: bob@isp.example\r\n\r\nX-Original-To: bob@isp.example\r\n"),
                ElementsAre("! it has no field X-Original-To that tells whom it is for"));
}

TEST(RecipientRule, ADomainIsTheSameInBothOfItsForms) {
    RecipientRule wanted = rule();
    wanted.domains = {comparable_domain("b\u00fccher.example")};
    wanted.map.emplace(comparable("carol@\u00e4.example"), address("carol@localhost"));
    for (const std::string domain : {"b\u00fccher.example", "xn--BCHER-kva.example"}) {
        EXPECT_THAT(found(to("bob@" + domain), wanted), ElementsAre("bob@" + domain));
    }
    EXPECT_THAT(found(to("carol@xn--4ca.example, Carol@\u00c4.example"), wanted),
                ElementsAre("carol@localhost"));
}

TEST(RecipientRule, OfSeveralFieldsOneIsMeant) {
    const std::string head =
        "X-Original-To: a@isp.example\r\nX-Original-To: b@isp.example\r\n"
        "X-Original-To: c@isp.example\r\n\r\n";
    RecipientRule wanted = rule();
    EXPECT_THAT(found(head, wanted), ElementsAre("a@isp.example"));
    wanted.occurrence = 2;
    EXPECT_THAT(found(head, wanted), ElementsAre("b@isp.example"));
    wanted.occurrence = -1;
    EXPECT_THAT(found(head, wanted), ElementsAre("c@isp.example"));
    wanted.occurrence = 4;
    EXPECT_THAT(found(head, wanted),
                ElementsAre("! it has no field X-Original-To that tells whom it is for"));
}

// Whoever sends mail can write the field: it must not make us send mail anywhere.
TEST(RecipientRule, WhoIsNotOursGetsNothing) {
    EXPECT_THAT(
        found(to("victim@elsewhere.example")),
        ElementsAre("! its field X-Original-To names nobody here: victim@elsewhere.example"));
    EXPECT_THAT(found(to("victim@elsewhere.example, bob@isp.example")),
                ElementsAre("bob@isp.example"));
    EXPECT_THAT(found(to("victim@isp.example.elsewhere.example")),
                ElementsAre(testing::StartsWith("! ")));
    EXPECT_THAT(found(to("bob")), ElementsAre(testing::StartsWith("! ")));
    EXPECT_THAT(found(to("<bob@isp.example> SIZE=1")), ElementsAre(testing::StartsWith("! ")));
    EXPECT_THAT(found(to("bob@isp.example>\r\n <x@isp.example")),
                ElementsAre(testing::StartsWith("! ")));
    EXPECT_THAT(found(to("")), ElementsAre(testing::StartsWith("! ")));
    EXPECT_THAT(found(to(",,\"")), ElementsAre(testing::StartsWith("! ")));
    EXPECT_THAT(found(to("\"\\")), ElementsAre(testing::StartsWith("! ")));
}

TEST(RecipientRule, AddressesMayBeMapped) {
    RecipientRule wanted = rule();
    wanted.domains.clear();
    wanted.map = {{"bob@isp.example", address("bob@localhost")},
                  {"carol", address("carol@localhost")},
                  {"@all.example", address("all@localhost")}};
    EXPECT_THAT(found(to("Bob@ISP.example"), wanted), ElementsAre("bob@localhost"));
    EXPECT_THAT(found(to("bob+news@isp.example"), wanted), ElementsAre("bob@localhost"));
    EXPECT_THAT(found(to("carol@any.example, carol"), wanted), ElementsAre("carol@localhost"));
    EXPECT_THAT(found(to("dan@all.example"), wanted), ElementsAre("all@localhost"));
    EXPECT_THAT(found(to("dan@isp.example"), wanted), ElementsAre(testing::StartsWith("! ")));
    wanted.map.emplace("bob+news@isp.example", address("news@localhost"));
    EXPECT_THAT(found(to("bob+news@isp.example"), wanted), ElementsAre("news@localhost"));
}

TEST(RecipientRule, AProvidersPrefixIsTakenOff) {
    RecipientRule wanted = rule();
    wanted.strip_prefix = "mbox-";
    EXPECT_THAT(found(to("mbox-bob@isp.example"), wanted), ElementsAre("bob@isp.example"));
    EXPECT_THAT(found(to("bob@isp.example"), wanted), ElementsAre("bob@isp.example"));
}

TEST(RecipientRule, TooManyAreNobody) {
    std::string list;
    for (std::size_t i = 0; i < kMostRecipients; ++i) {
        list += "u" + std::to_string(i) + "@isp.example,";
    }
    EXPECT_EQ(found(to(list)).size(), kMostRecipients);
    EXPECT_THAT(found(to(list + "one@isp.example")),
                ElementsAre("! its field X-Original-To names more than 100 recipients"));
}

TEST(RecipientRule, NobodyGuessesFromWhatTheAuthorWrites) {
    for (const char* const name : {"To", "cc", "Bcc", "Resent-To", "Received", "List-Id"}) {
        EXPECT_FALSE(is_envelope_field(name)) << name;
    }
    for (const char* const name : {"X-Original-To", "Delivered-To", "Envelope-To"}) {
        EXPECT_TRUE(is_envelope_field(name)) << name;
    }
}

}  // namespace
}  // namespace postrider::mail
