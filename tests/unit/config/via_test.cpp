#include "config/via.h"

#include <gmock/gmock.h>

#include "postrider/config/secrets.h"

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ViaKeys : public ConfigFiles {
  protected:
    static std::string with(const std::string& keys) {
        return "destinations: {local: {host: localhost}}\n"
               "accounts:\n"
               "  alice: {host: localhost, user: alice, password: {env: ALICE},\n"
               "          recipients: [alice@localhost], deliver_to: local,\n"
               "          " +
               keys + "}\n";
    }
    [[nodiscard]] AccountConfig read(const std::string& keys) const {
        const LoadResult result = load_text(with(keys));
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config ? result.config->accounts.front() : AccountConfig();
    }
    [[nodiscard]] std::vector<std::string> faults(const std::string& keys) const {
        return faults_of(with(keys));
    }
};

TEST_F(ViaKeys, AProxyHasThePortOfItsKind) {
    const AccountConfig socks = read("proxy: {type: socks5, host: proxy.example}");
    EXPECT_EQ(socks.proxy->type, ProxyType::socks5);
    EXPECT_EQ(socks.proxy->host, "proxy.example");
    EXPECT_EQ(socks.proxy->port, 1080);
    EXPECT_EQ(read("proxy: {type: http, host: p}").proxy->port, 8080);
    EXPECT_EQ(read("proxy: {type: http, host: p, port: 3128}").proxy->port, 3128);
    EXPECT_FALSE(read("proxy: none").proxy);
}

TEST_F(ViaKeys, ThePasswordOfAProxyIsASecretLikeAnyOther) {
    LoadResult result =
        load_text(with("proxy: {type: http, host: p, user: bob, password: {env: BOB}}"));
    ASSERT_TRUE(result.config);
    EXPECT_THAT(secret_variables(*result.config), ElementsAre("ALICE", "BOB"));
    Environment environment;
    environment.variables["ALICE"] = "a";
    EXPECT_THAT(texts(check_files(*result.config, environment)),
                ElementsAre(HasSubstr("accounts.alice.proxy.password: environment variable BOB")));
    environment.variables["BOB"] = "b";
    EXPECT_THAT(texts(resolve_secrets(*result.config, environment)), IsEmpty());
    EXPECT_EQ(result.config->accounts.front().proxy->password.reveal(), "b");
}

TEST_F(ViaKeys, TellsWhatIsWrongWithAProxy) {
    EXPECT_THAT(faults("proxy: {host: p}"), ElementsAre(HasSubstr("proxy: needs type")));
    EXPECT_THAT(faults("proxy: {type: http}"), ElementsAre(HasSubstr("proxy: needs host")));
    EXPECT_THAT(faults("proxy: {type: socks4, host: p}"), ElementsAre(HasSubstr("proxy.type: ")));
    EXPECT_THAT(faults("proxy: {type: http, host: p, user: a}"),
                ElementsAre(HasSubstr("needs user and password, or neither")));
    EXPECT_THAT(faults("proxy: {type: http, host: p, user: 'a:b', password: {env: B}}"),
                ElementsAre(HasSubstr("a user with a colon")));
    EXPECT_THAT(faults("proxy: {type: socks5, host: p, user: " + std::string(256, 'a') +
                       ", password: {env: B}}"),
                ElementsAre(HasSubstr("longer than 255")));
}

// P-010: what a proxy calls localhost is not this machine.
TEST_F(ViaKeys, CleartextThroughAProxyMustBeAllowed) {
    EXPECT_THAT(faults("tls: none"), IsEmpty());
    EXPECT_THAT(faults("tls: none, proxy: {type: http, host: localhost}"),
                ElementsAre(HasSubstr("only with allow_cleartext: true")));
}

TEST_F(ViaKeys, SourceAddressAndVersionOfIp) {
    EXPECT_EQ(read("source_address: 192.0.2.7").source_address, "192.0.2.7");
    EXPECT_EQ(read("source_address: '2001:db8::1'").source_address, "2001:db8::1");
    EXPECT_THAT(faults("source_address: eth0"),
                ElementsAre(HasSubstr("source_address: 'eth0' is no IP address")));
    EXPECT_EQ(read("ip_version: 4").ip_version, IpVersion::only_4);
    EXPECT_EQ(read("ip_version: prefer_6").ip_version, IpVersion::prefer_6);
    EXPECT_THAT(faults("ip_version: 5"), ElementsAre(HasSubstr("ip_version: ")));
}

}  // namespace
}  // namespace postrider::config
