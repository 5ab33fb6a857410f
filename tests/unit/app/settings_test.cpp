#include "app/assembly/settings.h"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

TEST(Pop3SettingsOfAccount, TakesOverEveryField) {
    config::AccountConfig account;
    account.name = "alice-isp";
    account.host = "pop.example";
    account.port = 1995;
    account.tls = config::Tls::starttls;
    account.tls_ca_file = "/ca.pem";
    account.tls_server_name = "other.example";
    account.user = "alice";
    account.password = Secret("c4n4ry");
    account.auth = config::Auth::plain;
    account.fetch_token.run = [] { return Secret(std::string("t0ken")); };
    account.tls_client_certificate = "/c.pem";
    account.tls_client_key = "/k.pem";
    account.allow_cleartext = true;
    account.tls_limits = {{"pin"}, true, config::TlsVersion::tls1_3, "HIGH", 1};
    account.pipelining = false;
    account.timeouts = {1s, 2s, 3s, 4s, 5s, 6s, 7s};
    account.min_rate = 8;
    account.min_rate_over = 9s;
    const source::Pop3Settings settings = pop3_settings(account, {"/spool", 10});
    EXPECT_EQ(settings.endpoint.host, "pop.example");
    EXPECT_EQ(settings.endpoint.port, 1995);
    EXPECT_FALSE(settings.endpoint.is_unix());
    EXPECT_EQ(settings.tls, source::TlsMode::starttls);
    EXPECT_EQ(settings.tls_settings.server_name, "other.example");
    EXPECT_EQ(settings.tls_settings.ca_file, "/ca.pem");
    EXPECT_EQ(settings.user, "alice");
    EXPECT_EQ(settings.password.reveal(), "c4n4ry");
    EXPECT_EQ(settings.auth, pop3::AuthMethod::plain);
    EXPECT_EQ(settings.fetch_token()->reveal(), "t0ken");
    EXPECT_EQ(settings.tls_settings.client_certificate, "/c.pem");
    EXPECT_EQ(settings.tls_settings.client_key, "/k.pem");
    EXPECT_TRUE(settings.allow_cleartext);
    EXPECT_EQ(settings.tls_settings.pins, std::vector<std::string>{"pin"});
    EXPECT_TRUE(settings.tls_settings.pins_and_authorities);
    EXPECT_EQ(settings.tls_settings.min_version, net::TlsVersion::tls1_3);
    EXPECT_EQ(settings.tls_settings.ciphers, "HIGH");
    EXPECT_EQ(settings.tls_settings.security_level, 1);
    EXPECT_FALSE(settings.pipelining);
    EXPECT_EQ(settings.timeouts.connect, 1s);
    EXPECT_EQ(settings.timeouts.greeting, 2s);
    EXPECT_EQ(settings.timeouts.tls, 3s);
    EXPECT_EQ(settings.timeouts.login, 4s);
    EXPECT_EQ(settings.timeouts.reply, 5s);
    EXPECT_EQ(settings.timeouts.quit, 6s);
    EXPECT_EQ(settings.timeouts.session, 7s);
    EXPECT_EQ(settings.min_rate, 8U);
    EXPECT_EQ(settings.min_rate_over, 9s);
    EXPECT_EQ(settings.spool.directory, "/spool");
    EXPECT_EQ(settings.spool.memory_limit, 10U);
}

TEST(Pop3SettingsOfAccount, TheWayThereIsThatOfTheAccount) {
    config::AccountConfig account;
    EXPECT_FALSE(pop3_settings(account, {}).via.proxy);
    account.proxy = {config::ProxyType::http, "proxy.example", 3128, "bob", {}, Secret("c4n4ry")};
    account.source_address = "192.0.2.7";
    account.ip_version = config::IpVersion::prefer_6;
    const net::Via via = pop3_settings(account, {}).via;
    EXPECT_EQ(via.proxy->kind, net::Proxy::Kind::http);
    EXPECT_EQ(via.proxy->endpoint.to_text(), "proxy.example:3128");
    EXPECT_EQ(via.proxy->user, "bob");
    EXPECT_EQ(via.proxy->password.reveal(), "c4n4ry");
    EXPECT_EQ(via.source_address, "192.0.2.7");
    EXPECT_EQ(via.ip_version, net::IpVersion::prefer_6);
}

TEST(Pop3SettingsOfAccount, WithoutASourceOfTokensNoneIsFetched) {
    EXPECT_FALSE(pop3_settings(config::AccountConfig(), {}).fetch_token);
}

TEST(Pop3SettingsOfAccount, TlsSessionsAreNeverSharedBetweenAccountsOrWithDestinations) {
    config::AccountConfig alice;
    alice.name = "alice";
    config::AccountConfig bob;
    bob.name = "bob";
    config::DestinationConfig destination;
    destination.name = "alice";
    const std::string of_alice = pop3_settings(alice, {}).tls_settings.session_key;
    EXPECT_NE(of_alice, "");
    EXPECT_NE(of_alice, pop3_settings(bob, {}).tls_settings.session_key);
    EXPECT_NE(of_alice, smtp_settings(destination, "me").hosts[0].tls.session_key);
}

TEST(Pop3SettingsOfAccount, EveryWayOfTlsAndAuthHasItsCounterpart) {
    config::AccountConfig account;
    const auto tls = [&account](config::Tls value) {
        account.tls = value;
        return pop3_settings(account, {}).tls;
    };
    EXPECT_EQ(tls(config::Tls::none), source::TlsMode::none);
    EXPECT_EQ(tls(config::Tls::starttls), source::TlsMode::starttls);
    EXPECT_EQ(tls(config::Tls::implicit), source::TlsMode::implicit);
    const auto auth = [&account](config::Auth value) {
        account.auth = value;
        return pop3_settings(account, {}).auth;
    };
    EXPECT_EQ(auth(config::Auth::automatic), pop3::AuthMethod::automatic);
    EXPECT_EQ(auth(config::Auth::user), pop3::AuthMethod::user);
    EXPECT_EQ(auth(config::Auth::plain), pop3::AuthMethod::plain);
    EXPECT_EQ(auth(config::Auth::apop), pop3::AuthMethod::apop);
    EXPECT_EQ(auth(config::Auth::login), pop3::AuthMethod::login);
    EXPECT_EQ(auth(config::Auth::cram_md5), pop3::AuthMethod::cram_md5);
    EXPECT_EQ(auth(config::Auth::scram_sha_1), pop3::AuthMethod::scram_sha_1);
    EXPECT_EQ(auth(config::Auth::scram_sha_256), pop3::AuthMethod::scram_sha_256);
    EXPECT_EQ(auth(config::Auth::scram_sha_1_plus), pop3::AuthMethod::scram_sha_1_plus);
    EXPECT_EQ(auth(config::Auth::scram_sha_256_plus), pop3::AuthMethod::scram_sha_256_plus);
    EXPECT_EQ(auth(config::Auth::external), pop3::AuthMethod::external);
    EXPECT_EQ(auth(config::Auth::xoauth2), pop3::AuthMethod::xoauth2);
    EXPECT_EQ(auth(config::Auth::oauthbearer), pop3::AuthMethod::oauthbearer);
    const auto version = [&account](config::TlsVersion value) {
        account.tls_limits.min_version = value;
        return pop3_settings(account, {}).tls_settings.min_version;
    };
    EXPECT_EQ(version(config::TlsVersion::tls1_0), net::TlsVersion::tls1_0);
    EXPECT_EQ(version(config::TlsVersion::tls1_1), net::TlsVersion::tls1_1);
    EXPECT_EQ(version(config::TlsVersion::tls1_2), net::TlsVersion::tls1_2);
    EXPECT_EQ(version(config::TlsVersion::tls1_3), net::TlsVersion::tls1_3);
    const auto binding = [&account](config::ChannelBinding value) {
        account.channel_binding = value;
        return pop3_settings(account, {}).channel_binding;
    };
    EXPECT_EQ(binding(config::ChannelBinding::automatic), net::BindingKind::automatic);
    EXPECT_EQ(binding(config::ChannelBinding::exporter), net::BindingKind::exporter);
    EXPECT_EQ(binding(config::ChannelBinding::unique), net::BindingKind::unique);
    EXPECT_EQ(binding(config::ChannelBinding::server_end_point),
              net::BindingKind::server_end_point);
}

TEST(Pop3SettingsOfAccount, DefaultsOfConfigurationAndAdapterAreOne) {
    const source::Pop3Settings from_config = pop3_settings({}, {});
    const source::Pop3Settings own;
    EXPECT_EQ(from_config.tls, own.tls);
    EXPECT_EQ(from_config.auth, own.auth);
    EXPECT_EQ(from_config.pipelining, own.pipelining);
    EXPECT_EQ(from_config.timeouts.connect, own.timeouts.connect);
    EXPECT_EQ(from_config.timeouts.tls, own.timeouts.tls);
    EXPECT_EQ(from_config.timeouts.greeting, own.timeouts.greeting);
    EXPECT_EQ(from_config.timeouts.login, own.timeouts.login);
    EXPECT_EQ(from_config.timeouts.reply, own.timeouts.reply);
    EXPECT_EQ(from_config.timeouts.quit, own.timeouts.quit);
    EXPECT_EQ(from_config.timeouts.session, own.timeouts.session);
    EXPECT_EQ(from_config.min_rate, own.min_rate);
    EXPECT_EQ(from_config.min_rate_over, own.min_rate_over);
}

TEST(SmtpSettingsOfDestination, TakesOverEveryField) {
    config::DestinationConfig destination;
    destination.name = "local";
    destination.type = config::DestinationType::lmtp;
    destination.host = "mx.example";
    destination.port = 1024;
    destination.socket = "/run/lmtp";
    destination.tls = config::Tls::implicit;
    destination.tls_ca_file = "/ca.pem";
    destination.tls_server_name = "other.example";
    destination.connections = 3;
    destination.hello_name = "me.example";
    destination.timeouts = {1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s, 9s};
    destination.user = "relay";
    destination.password = Secret("c4n4ry");
    destination.auth = "SCRAM-SHA-256";
    destination.chunking = true;
    destination.long_lines = config::LongLines::wrap;
    destination.nul = config::NulOctets::hold;
    destination.holds_8bit = true;
    destination.dsn = {"NEVER", "HDRS", true};
    destination.xclient_hops = 2;
    destination.connections_per_recipient = 4;
    const sink::SmtpSettings settings = smtp_settings(destination, "host.example");
    EXPECT_EQ(settings.hosts[0].endpoint.host, "mx.example");
    EXPECT_EQ(settings.hosts[0].endpoint.port, 1024);
    EXPECT_EQ(settings.hosts[0].endpoint.unix_path, "/run/lmtp");
    EXPECT_EQ(settings.flavour, smtp::Flavour::lmtp);
    EXPECT_EQ(settings.tls, sink::TlsMode::implicit);
    EXPECT_EQ(settings.hosts[0].tls.server_name, "other.example");
    EXPECT_EQ(settings.hosts[0].tls.ca_file, "/ca.pem");
    EXPECT_EQ(settings.connections, 3U);
    EXPECT_EQ(settings.hello_name, "me.example");
    EXPECT_EQ(settings.timeouts.connect, 1s);
    EXPECT_EQ(settings.timeouts.tls, 2s);
    EXPECT_EQ(settings.timeouts.greeting, 3s);
    EXPECT_EQ(settings.timeouts.mail, 4s);
    EXPECT_EQ(settings.timeouts.rcpt, 5s);
    EXPECT_EQ(settings.timeouts.data, 6s);
    EXPECT_EQ(settings.timeouts.block, 7s);
    EXPECT_EQ(settings.timeouts.final_dot, 8s);
    EXPECT_EQ(settings.timeouts.idle, 9s);
    ASSERT_TRUE(settings.login);
    EXPECT_EQ(settings.login->user, "relay");
    EXPECT_EQ(settings.login->password.reveal(), "c4n4ry");
    EXPECT_EQ(settings.login->mechanism, "SCRAM-SHA-256");
    EXPECT_TRUE(settings.chunking);
    EXPECT_EQ(settings.content.long_lines, sink::LongLines::wrap);
    EXPECT_EQ(settings.content.nul, sink::NulOctets::hold);
    EXPECT_TRUE(settings.content.holds_8bit);
    EXPECT_EQ(settings.dsn.notify, "NEVER");
    EXPECT_EQ(settings.dsn.ret, "HDRS");
    EXPECT_TRUE(settings.tells_envid);
    EXPECT_EQ(settings.xclient_hops, 2U);
    EXPECT_EQ(settings.per_recipient, 4U);
}

// S-021, S-033: whoever answers must show the certificate of the host that was asked.
TEST(SmtpSettingsOfDestination, EachOfSeveralHostsIsVerifiedByItsOwnName) {
    config::DestinationConfig destination;
    destination.name = "relay";
    destination.hosts = {{"a.example", 25}, {"b.example", 2525}};
    const sink::SmtpSettings settings = smtp_settings(destination, "me");
    ASSERT_EQ(settings.hosts.size(), 2U);
    EXPECT_EQ(settings.hosts[1].endpoint.to_text(), "b.example:2525");
    EXPECT_EQ(settings.hosts[0].tls.server_name, "a.example");
    EXPECT_EQ(settings.hosts[1].tls.server_name, "b.example");
    EXPECT_NE(settings.hosts[0].tls.session_key, settings.hosts[1].tls.session_key);
    EXPECT_FALSE(settings.login);

    destination.tls_server_name = "relay.example";
    EXPECT_EQ(smtp_settings(destination, "me").hosts[1].tls.server_name, "relay.example");
}

TEST(SmtpSettingsOfDestination, DefaultsOfConfigurationAndAdapterAreOne) {
    const sink::SmtpSettings from_config = smtp_settings({}, "host.example");
    const sink::SmtpSettings own;
    EXPECT_EQ(from_config.flavour, own.flavour);
    EXPECT_EQ(from_config.tls, own.tls);
    EXPECT_EQ(from_config.connections, own.connections);
    EXPECT_EQ(from_config.per_recipient, own.per_recipient);
    EXPECT_EQ(from_config.chunking, own.chunking);
    EXPECT_EQ(from_config.content.long_lines, own.content.long_lines);
    EXPECT_EQ(from_config.content.nul, own.content.nul);
    EXPECT_EQ(from_config.content.holds_8bit, own.content.holds_8bit);
    EXPECT_EQ(from_config.tells_envid, own.tells_envid);
    EXPECT_EQ(from_config.xclient_hops, own.xclient_hops);
    EXPECT_EQ(from_config.timeouts.idle, own.timeouts.idle);
    EXPECT_EQ(from_config.hello_name, "host.example");
    EXPECT_EQ(from_config.timeouts.connect, own.timeouts.connect);
    EXPECT_EQ(from_config.timeouts.tls, own.timeouts.tls);
    EXPECT_EQ(from_config.timeouts.greeting, own.timeouts.greeting);
    EXPECT_EQ(from_config.timeouts.mail, own.timeouts.mail);
    EXPECT_EQ(from_config.timeouts.rcpt, own.timeouts.rcpt);
    EXPECT_EQ(from_config.timeouts.data, own.timeouts.data);
    EXPECT_EQ(from_config.timeouts.block, own.timeouts.block);
    EXPECT_EQ(from_config.timeouts.final_dot, own.timeouts.final_dot);
}

TEST(AccountPolicy, TakesOverEveryField) {
    config::AccountConfig account;
    account.name = "alice";
    account.recipients = {mail::Address::parse("alice@localhost").value()};
    EXPECT_FALSE(account_policy(account).delete_after);
    account.delete_after = 0s;
    const engine::AccountPolicy policy = account_policy(account);
    EXPECT_EQ(policy.account, "alice");
    EXPECT_EQ(policy.recipients, account.recipients);
    EXPECT_EQ(policy.delete_after, Duration::zero());
    EXPECT_FALSE(policy.accept_new_uids);
}

TEST(SafeHostName, LettersDigitsHyphensAndDotsPass) {
    EXPECT_EQ(safe_host_name("mail-1.Example.org"), "mail-1.Example.org");
    EXPECT_EQ(safe_host_name(std::string(253, 'a')), std::string(253, 'a'));
}

TEST(SafeHostName, EverythingElseBecomesAnAddressLiteral) {
    for (const std::string& name :
         {std::string(), std::string("-a"), std::string(".a"), std::string("a_b"),
          std::string("a b"), std::string("a\r\nQUIT"), std::string("caf\xC3\xA9"),
          std::string("a\0b", 3), std::string(254, 'a')}) {
        EXPECT_EQ(safe_host_name(name), "[127.0.0.1]") << name;
    }
}

}  // namespace
}  // namespace postrider::app
