#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class Routing : public ConfigFiles {
  protected:
    /// An account with these lines, beside destinations of three types.
    std::string account(const std::string& lines) {
        return "destinations:\n"
               "  mx: {type: smtp, host: 127.0.0.1}\n"
               "  box: {type: lmtp, socket: /run/lmtp}\n"
               "  files: {type: maildir, path: /srv/mail}\n"
               "accounts:\n"
               "  a:\n"
               "    {host: h, user: u, password: p, recipients: [x],\n" +
               lines + "}\n";
    }
    AccountConfig good(const std::string& lines) {
        const auto loaded = load_text(account(lines));
        for (const Problem& problem : loaded.problems) {
            ADD_FAILURE() << problem.to_text();
        }
        return loaded.config ? loaded.config->accounts.front() : AccountConfig();
    }
    std::vector<std::string> faults(const std::string& lines) { return faults_of(account(lines)); }
};

TEST_F(Routing, MailGoesToOneDestinationOrToSeveral) {
    EXPECT_THAT(good("     deliver_to: mx").deliver_to, ElementsAre("mx"));
    EXPECT_THAT(good("     deliver_to: [files, mx]").deliver_to, ElementsAre("files", "mx"));
}

TEST_F(Routing, EachDestinationMustBeThereOnce) {
    EXPECT_THAT(faults("     deliver_to: []"), ElementsAre(HasSubstr("at least one")));
    EXPECT_THAT(faults("     deliver_to: [mx, mx]"), ElementsAre(HasSubstr("a second time")));
    EXPECT_THAT(faults("     deliver_to: [mx, boks]"),
                ElementsAre(HasSubstr("none of: box, files, mx")));
    EXPECT_THAT(faults("     deliver_to: {mx: 1}"), ElementsAre(HasSubstr("deliver_to")));
}

TEST_F(Routing, RefusedMailIsHeldUnlessToldOtherwise) {
    const AccountConfig plain = good("     deliver_to: mx");
    EXPECT_EQ(plain.refused, RefusedConfig());
    EXPECT_EQ(plain.refused.otherwise, Refused::hold);
    EXPECT_EQ(good("     deliver_to: mx, refused: discard").refused.otherwise, Refused::discard);
}

TEST_F(Routing, TheCodeMayDecide) {
    const RefusedConfig refused =
        good("     deliver_to: mx, refused: {5.7.1: discard, 550: bounce, default: hold}").refused;
    EXPECT_EQ(refused.otherwise, Refused::hold);
    EXPECT_THAT(refused.by_code, UnorderedElementsAre(Pair("5.7.1", Refused::discard),
                                                      Pair("550", Refused::bounce)));
}

TEST_F(Routing, OnlyCodesOfRefusalsCanStandThere) {
    for (const std::string code : {"450", "5", "55", "5500", "4.2.2", "5.7", "5..1", "5.7.1.1",
                                   "5.x.1", "5.7.1234", "otherwise"}) {
        EXPECT_THAT(faults("     deliver_to: mx, refused: {" + code + ": discard}"),
                    ElementsAre(HasSubstr("neither a reply code")))
            << code;
    }
    EXPECT_THAT(faults("     deliver_to: mx, refused: {550: drop}"),
                ElementsAre(HasSubstr("hold, discard, bounce")));
    EXPECT_THAT(faults("     deliver_to: mx, refused: {550: hold, 550: discard}"),
                ElementsAre(HasSubstr("a second time")));
}

TEST_F(Routing, BouncesGoOutByTheFirstMailServer) {
    EXPECT_EQ(good("     deliver_to: [box, mx], refused: bounce").bounce_via, "mx");
    EXPECT_EQ(good("     deliver_to: box, bounce_via: mx, refused: bounce").bounce_via, "mx");
    EXPECT_EQ(good("     deliver_to: box, bounce_via: mx").bounce_via, "") << "nothing bounces";
}

TEST_F(Routing, BouncesNeedAWay) {
    EXPECT_THAT(faults("     deliver_to: box, refused: {550: bounce}"),
                ElementsAre(HasSubstr("bounce_via")));
    EXPECT_THAT(faults("     deliver_to: box, bounce_via: files, refused: bounce"),
                testing::Contains(HasSubstr("type smtp")));
}

TEST_F(Routing, DoubtIsSettledByMailServersAlone) {
    const auto at = [this](const std::string& keys) {
        return faults_of("destinations: {d: {" + keys +
                         "}}\naccounts:\n  a: {host: h, user: u, password: p, recipients: [x], "
                         "deliver_to: d}\n");
    };
    EXPECT_THAT(at("type: lmtp, socket: /run/lmtp, on_ambiguous: hold"), IsEmpty());
    EXPECT_THAT(at("type: smtp, host: localhost, on_ambiguous: redeliver"), IsEmpty());
    EXPECT_THAT(at("type: smtp, host: localhost, on_ambiguous: bounce"),
                ElementsAre(HasSubstr("redeliver, hold")));
    EXPECT_THAT(at("type: maildir, path: /srv, on_ambiguous: hold"),
                ElementsAre(HasSubstr("is not for type: maildir")));
}

}  // namespace
}  // namespace postrider::config
