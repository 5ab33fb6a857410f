#include "config/smtp_keys.h"

#include <gmock/gmock.h>

#include "postrider/config/secrets.h"

#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SmtpKeys : public ConfigFiles {
  protected:
    /// A configuration with this destination, of which the first word stands in line 2, column 6.
    static std::string with(const std::string& destination) {
        return "destinations:\n  d: {" + destination +
               "}\n"
               "accounts:\n"
               "  alice: {host: pop.example, user: alice, password: {env: ALICE},\n"
               "          recipients: [alice@localhost], deliver_to: d}\n";
    }

    [[nodiscard]] DestinationConfig read(const std::string& destination) const {
        const LoadResult result = load_text(with(destination));
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config ? result.config->destinations.at("d") : DestinationConfig();
    }

    [[nodiscard]] std::vector<std::string> faults(const std::string& destination) const {
        return faults_of(with(destination));
    }
};

TEST_F(SmtpKeys, DefaultsDependOnTheKindOfServer) {
    EXPECT_EQ(read("type: smtp, host: localhost").connections_per_recipient, 0U);
    EXPECT_EQ(read("type: lmtp, host: localhost").connections_per_recipient, 1U);
    EXPECT_EQ(read("type: lmtp, host: localhost, connections_per_recipient: unlimited")
                  .connections_per_recipient,
              0U);
    EXPECT_EQ(read("host: localhost, connections_per_recipient: 3").connections_per_recipient, 3U);
    EXPECT_THAT(faults("host: localhost, connections_per_recipient: 0"),
                ElementsAre(testing::HasSubstr("d.connections_per_recipient: ")));
}

TEST_F(SmtpKeys, LmtpIsNotSpokenOnThePortOfSmtp) {
    EXPECT_THAT(faults("type: lmtp, host: localhost, port: 25"),
                ElementsAre(testing::HasSubstr("destinations.d.port: 25 is for SMTP")));
    EXPECT_EQ(read("type: lmtp, host: localhost, port: 2525").port, 2525);
}

TEST_F(SmtpKeys, SeveralHostsMayHavePortsOfTheirOwn) {
    const DestinationConfig d = read(
        "hosts: [a.example, 'b.example:2525', '192.0.2.1:26', '2001:db8::1', "
        "'[2001:db8::2]:27', '[2001:db8::3]'], port: 587");
    std::vector<std::string> told;
    for (const HostConfig& host : d.hosts) {
        told.push_back(host.host + " " + std::to_string(host.port));
    }
    EXPECT_THAT(told, ElementsAre("a.example 587", "b.example 2525", "192.0.2.1 26",
                                  "2001:db8::1 587", "2001:db8::2 27", "2001:db8::3 587"));
    EXPECT_EQ(d.tls, Tls::starttls);
    EXPECT_EQ(d.tls_server_name, "");
    EXPECT_EQ(read("hosts: [127.0.0.1, '[::1]:26', localhost]").tls, Tls::none);
    EXPECT_EQ(read("hosts: [127.0.0.1]").hosts.front().port, 25);
}

TEST_F(SmtpKeys, TellsWhatIsWrongWithHosts) {
    EXPECT_THAT(faults("hosts: [a.example, 'b:0', ':25', '']"),
                ElementsAre("c.yaml:2:26: destinations.d.hosts[1]: '0' is no port from 1 to 65535",
                            "c.yaml:2:33: destinations.d.hosts[2]: names no host",
                            "c.yaml:2:40: destinations.d.hosts[3]: names no host"));
    EXPECT_THAT(faults("hosts: [a, b, 'a:25', a]"),
                ElementsAre("c.yaml:2:29: destinations.d.hosts[3]: stands here a second time"));
    EXPECT_THAT(faults("hosts: []"), ElementsAre("c.yaml:2:14: destinations.d.hosts: needs at "
                                                 "least one host"));
    EXPECT_THAT(faults("host: a, hosts: [b]"),
                ElementsAre("c.yaml:2:7: destinations.d.host: cannot stand beside hosts"));
    EXPECT_THAT(faults("socket: /run/lmtp, hosts: [b]"),
                ElementsAre("c.yaml:2:26: destinations.d.hosts: cannot stand beside socket"));
    EXPECT_THAT(faults("type: smtp"),
                ElementsAre("c.yaml:2:3: destinations.d: needs host, hosts or socket"));
    EXPECT_THAT(faults("hosts: [127.0.0.1, mx.example], tls: none"),
                ElementsAre("c.yaml:2:44: destinations.d.tls: 'none' is for a destination on this "
                            "machine; use starttls"));
}

TEST_F(SmtpKeys, ALoginIsNamedByItsMechanismOrTheServerDecides) {
    environment_.variables["RELAY"] = "c4n4ry";
    for (const std::string mechanism :
         {"plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "xoauth2"}) {
        std::string upper = mechanism;
        std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
        const auto d =
            read("host: mx.example, user: me, password: {env: RELAY}, auth: " + mechanism);
        EXPECT_EQ(d.auth, upper);
        EXPECT_EQ(d.user, "me");
    }
    EXPECT_EQ(read("host: mx.example, user: me, password: {env: RELAY}, auth: auto").auth, "");
    EXPECT_THAT(faults("host: mx.example, user: me, password: {env: RELAY}, auth: apop"),
                ElementsAre("c.yaml:2:65: destinations.d.auth: 'apop' is none of: auto, plain, "
                            "login, cram-md5, scram-sha-1, scram-sha-256, xoauth2"));
}

TEST_F(SmtpKeys, UserPasswordAndAuthGoTogether) {
    EXPECT_THAT(faults("host: mx.example, user: me"),
                ElementsAre("c.yaml:2:25: destinations.d.user: needs password"));
    EXPECT_THAT(faults("host: mx.example, auth: plain"),
                ElementsAre("c.yaml:2:25: destinations.d.auth: needs user"));
    EXPECT_THAT(faults("host: mx.example, password: {env: X}"),
                ElementsAre("c.yaml:2:25: destinations.d.password: needs user"));
    EXPECT_THAT(faults("host: localhost, user: me, password: {env: X}, auth: xoauth2"),
                ElementsAre("c.yaml:2:24: destinations.d.user: a token is told to nobody without "
                            "TLS; use tls: starttls"));
}

TEST_F(SmtpKeys, ThePasswordOfADestinationIsFetchedForThoseWhoUseIt) {
    environment_.variables["ALICE"] = "a";
    environment_.variables["RELAY"] = "c4n4ry";
    auto result = load_text(with("host: mx.example, user: me, password: {env: RELAY}"));
    ASSERT_TRUE(result.config);
    const std::vector<std::string> others{"bob"};
    EXPECT_THAT(resolve_secrets(*result.config, environment_, others), IsEmpty());
    EXPECT_TRUE(result.config->destinations.at("d").password.empty());
    EXPECT_THAT(resolve_secrets(*result.config, environment_), IsEmpty());
    EXPECT_EQ(result.config->destinations.at("d").password.reveal(), "c4n4ry");
    environment_.variables.erase("RELAY");
    EXPECT_THAT(texts(resolve_secrets(*result.config, environment_)),
                ElementsAre("c.yaml:2:45: destinations.d.password: environment variable RELAY is "
                            "not set"));
    EXPECT_THAT(texts(check_files(*result.config, environment_)),
                ElementsAre("c.yaml:2:45: destinations.d.password: environment variable RELAY is "
                            "not set"));
}

TEST_F(SmtpKeys, DsnSaysWhoIsToldWhat) {
    const auto dsn = [this](const std::string& text) {
        return read("host: localhost, dsn: {" + text + "}").dsn;
    };
    EXPECT_EQ(dsn("notify: never").notify, "NEVER");
    EXPECT_EQ(dsn("notify: [success, delay]").notify, "SUCCESS,DELAY");
    EXPECT_EQ(dsn("notify: failure").notify, "FAILURE");
    EXPECT_EQ(dsn("ret: headers").ret, "HDRS");
    EXPECT_EQ(dsn("ret: full").ret, "FULL");
    EXPECT_TRUE(dsn("envid: true").envid);
    EXPECT_EQ(read("host: localhost").dsn.notify, "");
    EXPECT_THAT(faults("host: localhost, dsn: {notify: [never, delay]}"),
                ElementsAre("c.yaml:2:38: destinations.d.dsn.notify: 'never' stands alone"));
    EXPECT_THAT(faults("host: localhost, dsn: {notify: [delay, delay]}"),
                ElementsAre(testing::HasSubstr("dsn.notify[1]: stands here a second time")));
    EXPECT_THAT(faults("host: localhost, dsn: {notify: []}"),
                ElementsAre(testing::HasSubstr("dsn.notify: needs at least one of")));
    EXPECT_THAT(faults("host: localhost, dsn: {ret: hdrs}"),
                ElementsAre("c.yaml:2:35: destinations.d.dsn.ret: 'hdrs' is none of: full, "
                            "headers"));
}

TEST_F(SmtpKeys, XclientNeedsToKnowHowFarToTrust) {
    EXPECT_EQ(read("host: localhost").xclient_hops, 0U);
    EXPECT_EQ(read("host: localhost, xclient: {trusted_hops: 2}").xclient_hops, 2U);
    EXPECT_THAT(faults("host: localhost, xclient: {}"),
                ElementsAre(testing::HasSubstr("destinations.d.xclient: needs trusted_hops: ")));
    EXPECT_THAT(faults("host: localhost, xclient: {trusted_hops: 0}"),
                ElementsAre(testing::HasSubstr("destinations.d.xclient.trusted_hops: ")));
}

// S-008 to S-010
TEST_F(SmtpKeys, PoliciesForWhatNotEveryServerCanTake) {
    const DestinationConfig usual = read("host: localhost");
    EXPECT_EQ(usual.long_lines, LongLines::pass);
    EXPECT_EQ(usual.nul, NulOctets::pass);
    EXPECT_FALSE(usual.holds_8bit);
    const DestinationConfig d =
        read("host: localhost, chunking: true, long_lines: wrap, nul: hold, eight_bit: hold");
    EXPECT_TRUE(d.chunking);
    EXPECT_EQ(d.long_lines, LongLines::wrap);
    EXPECT_EQ(d.nul, NulOctets::hold);
    EXPECT_TRUE(d.holds_8bit);
}

}  // namespace
}  // namespace postrider::config
