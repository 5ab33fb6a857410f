#include "config/recipients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Recipients : public ConfigFiles {
  protected:
    static std::string with(const std::string& lines) {
        return "destinations: {mx: {type: smtp, host: 127.0.0.1}}\naccounts:\n"
               "  a: {host: h, user: u, password: p, deliver_to: mx,\n" +
               lines + "}\n";
    }
    AccountConfig good(const std::string& lines) {
        const auto loaded = load_text(with(lines));
        for (const Problem& problem : loaded.problems) {
            ADD_FAILURE() << problem.to_text();
        }
        return loaded.config ? loaded.config->accounts.front() : AccountConfig();
    }
    std::vector<std::string> faults(const std::string& lines) { return faults_of(with(lines)); }
};

// S-015
TEST_F(Recipients, MayStandInAFieldOfTheHeader) {
    const auto rule = good(
                          "      recipients: {header: X-Original-To, occurrence: 2, "
                          "strip_prefix: mbox-, domains: [ISP.example],\n"
                          "        map: {Bob: bob@localhost, '@all.example': all@localhost}, "
                          "unmatched: root@localhost}")
                          .recipient_rule;
    ASSERT_TRUE(rule);
    EXPECT_EQ(rule->header, "X-Original-To");
    EXPECT_EQ(rule->occurrence, 2);
    EXPECT_EQ(rule->strip_prefix, "mbox-");
    EXPECT_THAT(rule->domains, ElementsAre("isp.example"));
    EXPECT_EQ(rule->map.at("bob").text(), "bob@localhost");
    EXPECT_EQ(rule->map.at("@all.example").text(), "all@localhost");
    EXPECT_EQ(rule->unmatched->text(), "root@localhost");
}

TEST_F(Recipients, DomainsBeyondAsciiAreComparedInOneForm) {
    const auto rule = good(
                          "      recipients: {header: X-To, domains: [B\u00fccher.example],\n"
                          "        map: {'Bob@\u00e4.example': bob@localhost}}")
                          .recipient_rule;
    ASSERT_TRUE(rule);
    EXPECT_THAT(rule->domains, ElementsAre("xn--bcher-kva.example"));
    EXPECT_EQ(rule->map.at("bob@xn--4ca.example").text(), "bob@localhost");
    EXPECT_THAT(faults("      recipients: {header: X-To, map: {'@\u00e4.example': x, "
                       "'@xn--4ca.example': y}}"),
                ElementsAre(HasSubstr("second time")));
}

TEST_F(Recipients, WhatIsNotSaidOfTheFieldHasADefault) {
    const auto rule = good("      recipients: {header: Delivered-To, domains: [b.example]}");
    EXPECT_EQ(rule.recipient_rule->occurrence, 1);
    EXPECT_FALSE(rule.recipient_rule->unmatched);
    EXPECT_TRUE(rule.recipients.empty());
    EXPECT_EQ(
        good("      recipients: {header: X-To, occurrence: last, domains: [b], unmatched: hold}")
            .recipient_rule->occurrence,
        -1);
    EXPECT_FALSE(good("      recipients: [x]").recipient_rule);
}

// S-015
TEST_F(Recipients, AreNeverGuessed) {
    for (const std::string name : {"To", "cc", "Received", "List-Id", "Resent-To"}) {
        EXPECT_THAT(faults("      recipients: {header: " + name + ", domains: [b.example]}"),
                    ElementsAre(HasSubstr("not guessed")))
            << name;
    }
    EXPECT_THAT(faults("      recipients: {header: X-Original-To}"),
                ElementsAre(HasSubstr("needs domains or map")));
    EXPECT_THAT(faults("      recipients: {domains: [b.example]}"),
                ElementsAre(HasSubstr("needs header")));
}

TEST_F(Recipients, WhatCannotBeIsTold) {
    const auto rule = [this](const std::string& more) {
        return faults("      recipients: {header: X-To, domains: [b.example], " + more + "}");
    };
    EXPECT_THAT(rule("occurrence: 0"), ElementsAre(HasSubstr("first, last")));
    EXPECT_THAT(rule("occurrence: second"), ElementsAre(HasSubstr("first, last")));
    EXPECT_THAT(rule("map: {'a b': x}"), ElementsAre(HasSubstr("neither an address")));
    EXPECT_THAT(rule("map: {bob: 'a b'}"), ElementsAre(HasSubstr("no mail address")));
    EXPECT_THAT(rule("map: {bob: x, BOB: y}"), ElementsAre(HasSubstr("a second time")));
    EXPECT_THAT(rule("unmatched: 'a b@c'"), ElementsAre(HasSubstr("no mail address")));
    EXPECT_THAT(rule("unmatched: discard"),
                ElementsAre(HasSubstr("'discard' is none of: hold, an address with its domain")));
    EXPECT_THAT(rule("map: {}"), ElementsAre(HasSubstr("map: needs at least one address")));
    EXPECT_THAT(faults("      recipients: {header: X-To, domains: []}"),
                ElementsAre(HasSubstr("domains: needs at least one domain")));
    EXPECT_THAT(rule("heder: x"), ElementsAre(HasSubstr("header")));
    EXPECT_THAT(faults("      recipients: {header: 'X To', domains: [b]}"),
                Contains(HasSubstr("no name of a header field")));
    EXPECT_THAT(faults("      recipients: {header: X-To, domains: ['a b']}"),
                ElementsAre(HasSubstr("no domain")));
    EXPECT_THAT(faults("      recipients: []"), ElementsAre(HasSubstr("at least one address")));
}

// S-012
TEST_F(Recipients, TheSenderOfTheEnvelopeMayBeSet) {
    EXPECT_TRUE(good("      recipients: [x]").envelope_sender.is_return_path);
    EXPECT_TRUE(
        good("      recipients: [x], envelope_sender: return_path").envelope_sender.is_return_path);
    for (const std::string null : {"null", "'null'"}) {
        const auto sender = good("      recipients: [x], envelope_sender: " + null).envelope_sender;
        EXPECT_FALSE(sender.is_return_path || sender.fixed) << null;
    }
    const auto fixed = good("      recipients: [x], envelope_sender: a@b.example").envelope_sender;
    EXPECT_FALSE(fixed.is_return_path);
    EXPECT_EQ(fixed.fixed->text(), "a@b.example");
    EXPECT_THAT(faults("      recipients: [x], envelope_sender: 'a b@c'"),
                ElementsAre(HasSubstr("no mail address")));
}

TEST_F(Recipients, AWordIsNotTakenForTheAddressOfASender) {
    for (const std::string word : {"return-path", "fixed", "alice"}) {
        EXPECT_THAT(faults("      recipients: [x], envelope_sender: " + word),
                    ElementsAre(HasSubstr("is none of: return_path, null, an address with its "
                                          "domain")));
    }
}

// S-022
TEST_F(Recipients, OurOwnReceivedLineMayBeOmitted) {
    EXPECT_TRUE(good("      recipients: [x]").adds_received);
    EXPECT_FALSE(good("      recipients: [x], add_received: false").adds_received);
}

// S-024
TEST_F(Recipients, WhatBecomesOfDeliveredToMayBeSet) {
    EXPECT_EQ(good("      recipients: [x]").delivered_to, mail::DeliveredTo::rename);
    EXPECT_EQ(good("      recipients: [x], delivered_to: keep").delivered_to,
              mail::DeliveredTo::keep);
    EXPECT_EQ(good("      recipients: [x], delivered_to: drop").delivered_to,
              mail::DeliveredTo::drop);
    EXPECT_THAT(faults("      recipients: [x], delivered_to: strip"),
                ElementsAre(HasSubstr("rename, keep, drop")));
}

}  // namespace
}  // namespace postrider::config
