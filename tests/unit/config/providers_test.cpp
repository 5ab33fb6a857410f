#include "config/providers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/accounts.h"
#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ProvidersConfig : public ConfigFiles {
  protected:
    [[nodiscard]] AccountConfig account(const std::string& lines,
                                        const std::string& defaults = "") const {
        LoadResult result =
            load_text("destinations:\n  local: {type: smtp, host: 127.0.0.1}\n" + defaults +
                      "accounts:\n  alice:\n    user: alice\n    password: {env: ALICE}\n"
                      "    recipients: [alice@localhost]\n    deliver_to: local\n" +
                      lines);
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config ? result.config->accounts.front() : AccountConfig();
    }
};

//
TEST_F(ProvidersConfig, FillsInWhatIsNotSaid) {
    const AccountConfig gmx = account("    provider: gmx\n");
    EXPECT_EQ(gmx.host, "pop.gmx.net");
    EXPECT_EQ(gmx.port, 995);
    EXPECT_EQ(gmx.tls, Tls::implicit);
    EXPECT_EQ(gmx.tls_server_name, "pop.gmx.net");
    EXPECT_EQ(gmx.poll_every, std::chrono::minutes(15));
    EXPECT_THAT(gmx.login_advice, HasSubstr("web mailer"));
    const AccountConfig gmail = account("    provider: gmail\n    poll_every: 1s\n");
    EXPECT_EQ(gmail.consumes, Consumes::yes);
    EXPECT_EQ(gmail.poll_at_least, std::chrono::minutes(5)) << "the LOGIN-DELAY it states";
}

TEST_F(ProvidersConfig, TheAccountsOwnKeysWinOverTheProviderAndThatOverTheDefaults) {
    const AccountConfig mixed =
        account("    poll_every: 1h\n    provider: gmx\n    host: pop.gmx.com\n",
                "defaults: {poll_every: 2m, tls: starttls, pipelining: off}\n");
    EXPECT_EQ(mixed.host, "pop.gmx.com");
    EXPECT_EQ(mixed.poll_every, std::chrono::hours(1));
    EXPECT_EQ(mixed.tls, Tls::implicit);
    EXPECT_FALSE(mixed.pipelining);
}

TEST_F(ProvidersConfig, TheDefaultsMayNameTheProvider) {
    EXPECT_EQ(account("", "defaults: {provider: yahoo}\n").host, "pop.mail.yahoo.com");
}

TEST_F(ProvidersConfig, AHostOfAProviderIsKnownWithoutItsName) {
    EXPECT_THAT(account("    host: POP.GMX.com\n").login_advice, HasSubstr("web mailer"));
    EXPECT_EQ(account("    host: pop.example\n").login_advice, "");
}

TEST_F(ProvidersConfig, TellsUnknownProvidersAndThoseWithoutPop3) {
    EXPECT_THAT(faults_of(std::string(kGood) + "    provider: gmial\n"),
                ElementsAre(HasSubstr("did you mean 'gmail'?")));
    EXPECT_THAT(faults_of(std::string(kGood) + "    provider: icloud\n"),
                ElementsAre("c.yaml:10:15: accounts.alice.provider: iCloud has no POP3"));
}

TEST_F(ProvidersConfig, OfAnUnknownProviderNoHostIsMissed) {
    std::string without_host(kGood);
    const std::size_t host = without_host.find("    host:");
    without_host.erase(host, without_host.find("\n", host) + 1 - host);
    EXPECT_THAT(faults_of(without_host + "    provider: gmial\n"),
                ElementsAre(HasSubstr("did you mean 'gmail'?")));
    EXPECT_THAT(faults_of(without_host), ElementsAre(HasSubstr("host: is missing")));
}

TEST_F(ProvidersConfig, EveryProviderLoads) {
    EXPECT_GE(providers().size(), 15U);
    for (const Provider& provider : providers()) {
        if (provider.no_pop3.empty()) {
            const AccountConfig read = account("    provider: " + provider.name + "\n");
            EXPECT_FALSE(read.host.empty()) << provider.name;
            EXPECT_NE(read.tls, Tls::none) << provider.name;
            EXPECT_EQ(read.provider, provider.name);
        }
    }
}

TEST(Providers, TheTextIsWhole) {
    const Document document = parse_document(std::string(providers_text()), 0);
    EXPECT_THAT(document.faults, IsEmpty());
    EXPECT_THAT(document.root.entries, SizeIs(providers().size()));
    EXPECT_THAT(
        parse_providers("a: {host: h, hosts: [i, j], advice: do}"),
        ElementsAre(::testing::FieldsAre("a", SizeIs(1), ElementsAre("h", "i", "j"), "do", "")));
}

}  // namespace
}  // namespace postrider::config
