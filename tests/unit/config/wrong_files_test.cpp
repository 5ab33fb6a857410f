// One mistake a file, and what is said about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

struct Mistake {
    std::string_view line;  ///< in place of, or beside, the good one
    std::string_view told;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
    return out << mistake.line;
}

class WrongFile : public ConfigFiles, public ::testing::WithParamInterface<Mistake> {
  protected:
    void expect_told(const std::string& text) const {
        EXPECT_THAT(faults_of(text), ::testing::ElementsAre(std::string(GetParam().told)));
    }
};

/// In the first line, the rest being good.
class WrongRoot : public WrongFile {};

TEST_P(WrongRoot, IsTold) {
    expect_told(std::string(GetParam().line) + "\n" + std::string(kGood));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongRoot,
    ::testing::Values(
        Mistake{"state-dir: x", "c.yaml:1:1: state-dir: unknown key; did you mean 'state_dir'?"},
        Mistake{"zebra: x", "c.yaml:1:1: zebra: unknown key"},
        Mistake{"alerts: {webhook: 'ftp://x'}",
                "c.yaml:1:19: alerts.webhook: must begin with https:// or http://"},
        Mistake{"alerts: {webhook: 'http://x', command: [x]}",
                "c.yaml:1:9: alerts: command and webhook cannot stand beside one another"},
        Mistake{"alerts: {command: []}", "c.yaml:1:19: alerts.command: needs at least the program"},
        Mistake{"sandbox: on", "c.yaml:1:10: sandbox: 'on' is none of: auto, off"},
        Mistake{"metrics: {listen: 127.0.0.1}",
                "c.yaml:1:19: metrics.listen: needs a port: 127.0.0.1:9817"},
        Mistake{"metrics: {listen: '0.0.0.0:9817'}",
                "c.yaml:1:19: metrics.listen: must be an address of this machine's loopback: "
                "127.0.0.1 or [::1]"},
        Mistake{"metrics: {listen: 'localhost:9817'}",
                "c.yaml:1:19: metrics.listen: must be an address of this machine's loopback: "
                "127.0.0.1 or [::1]"},
        Mistake{"metrics: {accounts: some}",
                "c.yaml:1:21: metrics.accounts: 'some' is none of: auto, each, total"},
        Mistake{"control: {sockt: x}",
                "c.yaml:1:11: control.sockt: unknown key; did you mean 'socket'?"},
        Mistake{"state_dir: []", "c.yaml:1:12: state_dir: must be a single value, not a list"},
        Mistake{"state_dir: ''", "c.yaml:1:12: state_dir: must not be empty"},
        Mistake{"state_dir: \"a\\0b\"", "c.yaml:1:12: state_dir: a path cannot hold a NUL"},
        Mistake{"log: loud", "c.yaml:1:6: log: must be a map of keys, not text"},
        Mistake{"log: {level: loud}",
                "c.yaml:1:14: log.level: 'loud' is none of: debug, info, warn, error"},
        Mistake{"log: {level: info, level: warn}",
                "c.yaml:1:20: log.level: stands here a second time; the first is in line 1"},
        Mistake{"limits: {polls: 0}",
                "c.yaml:1:17: limits.polls: '0' is not a whole number from 1 to 100000"},
        Mistake{"limits: {polls: 100001}",
                "c.yaml:1:17: limits.polls: '100001' is not a whole number from 1 to 100000"},
        Mistake{"limits: {polls: -1}",
                "c.yaml:1:17: limits.polls: '-1' is not a whole number from 1 to 100000"},
        Mistake{"limits: {memory: 4MiBi}",
                "c.yaml:1:18: limits.memory: '4MiBi' is not a size such as 64kB, 4MB or 256MiB"},
        Mistake{"limits: {memory: 4194303}",
                "c.yaml:1:18: limits.memory: must be at least 4MiB, what one account may need"},
        Mistake{"include: conf.d", "c.yaml:1:10: include: must be a list, not text"},
        Mistake{"include: [none.yaml]", "c.yaml:1:11: include[0]: there is no such file"},
        Mistake{"? [a]\n: b", "c.yaml:1:3: a key must be text"},
        Mistake{"log: !!map {}",
                "c.yaml:1:6: tags (!) are not allowed; quote text that begins with !"},
        Mistake{"log: &x {}",
                "c.yaml:1:6: anchors (&) are not allowed; quote text that begins with &"},
        Mistake{"log: *x", "c.yaml:1:6: this is not YAML: the referenced anchor is not defined"},
        Mistake{"log: {level: info", "c.yaml:2:13: this is not YAML: end of map flow not found"},
        Mistake{"log: a: b", "c.yaml:1:7: this is not YAML: illegal map value"},
        Mistake{"#\x01", "c.yaml:1:2: an octet that is not UTF-8 text, or a control character"},
        Mistake{"# caf\xe9", "c.yaml:1:6: an octet that is not UTF-8 text, or a control character"},
        Mistake{"log: {}\n---",
                "c.yaml:2:1: a second YAML document begins here; only one is read"}));

/// One more key of the destination.
class WrongDestination : public WrongFile {};

TEST_P(WrongDestination, IsTold) {
    std::string text(kGood);
    text.insert(0, "destinations:\n  d: {" + std::string(GetParam().line) + "}\n");
    text.replace(text.rfind("destinations:\n"), 14, "");
    expect_told(text);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongDestination,
    ::testing::Values(
        Mistake{"type: smtp", "c.yaml:2:3: destinations.d: needs host, hosts or socket"},
        Mistake{"host: localhost, path: /srv",
                "c.yaml:2:24: destinations.d.path: is not for type: smtp"},
        Mistake{"host: localhost, socket: /s",
                "c.yaml:2:7: destinations.d.host: cannot stand beside socket"},
        Mistake{"tls: starttls, socket: /s",
                "c.yaml:2:7: destinations.d.tls: cannot stand beside socket"},
        Mistake{"host: mx.example, tls: none",
                "c.yaml:2:30: destinations.d.tls: 'none' is for a destination on this machine; use "
                "starttls"},
        Mistake{"host: localhost, port: 65536",
                "c.yaml:2:30: destinations.d.port: '65536' is not a whole number from 1 to 65535"},
        Mistake{"host: localhost, port: 0",
                "c.yaml:2:30: destinations.d.port: '0' is not a whole number from 1 to 65535"},
        Mistake{"host: 'mx.example:25'",
                "c.yaml:2:13: destinations.d.host: neither a host name nor an IP address; a port "
                "has its own key"},
        Mistake{"host: m\xc3\xbcx.example",
                "c.yaml:2:13: destinations.d.host: not ASCII: write the xn-- form of an "
                "international host name"},
        Mistake{"host: localhost, connections: 1001",
                "c.yaml:2:37: destinations.d.connections: '1001' is not a whole number from 1 to "
                "1000"},
        Mistake{"host: localhost, hello_name: 192.0.2.1",
                "c.yaml:2:36: destinations.d.hello_name: neither a domain name nor an address "
                "literal such as [192.0.2.1] or [IPv6:::1]"},
        Mistake{"host: localhost, timeouts: {login: 1s}",
                "c.yaml:2:35: destinations.d.timeouts.login: unknown key"},
        Mistake{"host: localhost, timeouts: {data: 0s}",
                "c.yaml:2:41: destinations.d.timeouts.data: '0s' is not from 1ms to 1d"}));

TEST_F(WrongFile, DestinationsWithFaultyNames) {
    const std::string rest = "accounts: {a: {}}\n";
    const auto faults = faults_of("destinations:\n  .x: {host: localhost}\n" + rest);
    EXPECT_EQ(faults.front(),
              "c.yaml:2:3: destinations..x: a name is made of letters, digits and ._-+@, begins "
              "with a letter or digit, and has at most 128 characters");
}

/// In place of the line of the account that has the same key, else behind them.
class WrongAccount : public WrongFile {};

TEST_P(WrongAccount, IsTold) {
    std::string text(kGood);
    const std::string line(GetParam().line);
    const std::size_t old = text.find("    " + line.substr(0, line.find(':')) + ":");
    if (old == std::string::npos) {
        text += "    " + line + "\n";
    } else {
        text.replace(old, text.find('\n', old) - old, "    " + line);
    }
    expect_told(text);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongAccount,
    ::testing::Values(
        Mistake{"protocol: imap",
                "c.yaml:10:15: accounts.alice.protocol: 'imap' is not available in this version"},
        Mistake{"proxy: x", "c.yaml:10:12: accounts.alice.proxy: must be a map of keys, not text"},
        Mistake{"auth: ntlm",
                "c.yaml:10:11: accounts.alice.auth: 'ntlm' is not available in this version"},
        Mistake{"auth: plan",
                "c.yaml:10:11: accounts.alice.auth: 'plan' is none of: auto, user, apop, plain, "
                "login, cram-md5, scram-sha-1, scram-sha-256, scram-sha-1-plus, "
                "scram-sha-256-plus, external, xoauth2, oauthbearer; did you mean 'plain'?"},
        Mistake{"tls: none",
                "c.yaml:10:10: accounts.alice.tls: 'none' would show the password and all mail to "
                "the network on the way to the server; only with allow_cleartext: true"},
        Mistake{"allow_cleartext: yes-i-know",
                "c.yaml:10:22: accounts.alice.allow_cleartext: 'yes-i-know' is none of: true, "
                "false"},
        Mistake{"port: 65536",
                "c.yaml:10:11: accounts.alice.port: '65536' is not a whole number from 1 to "
                "65535"},
        Mistake{"host: a b",
                "c.yaml:5:11: accounts.alice.host: neither a host name nor an IP "
                "address"},
        Mistake{"user: ' a'",
                "c.yaml:6:11: accounts.alice.user: begins or ends with a blank, which servers "
                "read in different ways"},
        Mistake{"user: \"a\\rb\"",
                "c.yaml:6:11: accounts.alice.user: holds a line end or a NUL, which no mail "
                "protocol can carry"},
        Mistake{"password: ''", "c.yaml:7:15: accounts.alice.password: is empty"},
        Mistake{"password: \"a\\0\"",
                "c.yaml:7:15: accounts.alice.password: holds a line end or a NUL, which no mail "
                "protocol can carry"},
        Mistake{"password: {file: a, env: B}",
                "c.yaml:7:15: accounts.alice.password: must be text, or one of {file: ...}, {env: "
                "...}, {credential: ...}, {command: [...], timeout: ..., lifetime: ...}; quote a "
                "password that begins with a special character"},
        Mistake{"password: {file: a, lifetime: 1h}",
                "c.yaml:7:15: accounts.alice.password: must be text, or one of {file: ...}, {env: "
                "...}, {credential: ...}, {command: [...], timeout: ..., lifetime: ...}; quote a "
                "password that begins with a special character"},
        Mistake{"password: {command: [x], timeout: 1h}",
                "c.yaml:7:39: accounts.alice.password.timeout: '1h' is not from 1s to 5m"},
        Mistake{"password: {command: pass show x}",
                "c.yaml:7:25: accounts.alice.password.command: must be a list, not text"},
        Mistake{"password: {command: []}",
                "c.yaml:7:25: accounts.alice.password.command: needs at least the program to "
                "run"},
        Mistake{"password: {credential: ../x}",
                "c.yaml:7:28: accounts.alice.password.credential: is no name of a credential: it "
                "cannot hold a slash"},
        Mistake{"recipients: a@b",
                "c.yaml:8:17: accounts.alice.recipients: must be a list, not "
                "text"},
        Mistake{"recipients: []",
                "c.yaml:8:17: accounts.alice.recipients: needs at least one "
                "address"},
        Mistake{"recipients: [x, y, x]",
                "c.yaml:8:24: accounts.alice.recipients[2]: stands here a second time"},
        Mistake{"delete_after: later",
                "c.yaml:10:19: accounts.alice.delete_after: 'later' is none of: never, now, a "
                "duration such as 14d"},
        Mistake{"poll_every: 5",
                "c.yaml:10:17: accounts.alice.poll_every: '5' is not a duration "
                "such as 30s, 5m, 1h30m or 14d"},
        Mistake{"poll_every: 999ms",
                "c.yaml:10:17: accounts.alice.poll_every: '999ms' is not from 1s to 365d"},
        Mistake{"poll_every: {min: 1h, max: 1m}",
                "c.yaml:10:17: accounts.alice.poll_every: min, 1h, is longer than max, 1m"},
        Mistake{"poll_every: {mins: 1h}",
                "c.yaml:10:18: accounts.alice.poll_every.mins: unknown key; did you mean 'min'?"},
        Mistake{"active: 7-23",
                "c.yaml:10:13: accounts.alice.active: '7-23' is neither always nor hours of the "
                "day such as 07:00-23:00 or 22:00-06:00"},
        Mistake{"active: 07:00-24:01",
                "c.yaml:10:13: accounts.alice.active: '07:00-24:01' is neither always nor hours "
                "of the day such as 07:00-23:00 or 22:00-06:00"},
        Mistake{"active: 07:00-07:00",
                "c.yaml:10:13: accounts.alice.active: '07:00-07:00' is neither always nor hours "
                "of the day such as 07:00-23:00 or 22:00-06:00"},
        Mistake{"pipelining: on",
                "c.yaml:10:17: accounts.alice.pipelining: 'on' is none of: auto, off"},
        Mistake{"timeouts: {quit: 24h1ms}",
                "c.yaml:10:22: accounts.alice.timeouts.quit: '24h1ms' is not from 1ms to 1d"},
        Mistake{"min_rate: -5",
                "c.yaml:10:15: accounts.alice.min_rate: '-5' is not a size such "
                "as 64kB, 4MB or 256MiB"}));

TEST_F(WrongFile, AddressFaultsAreTold) {
    std::string text(kGood);
    text.replace(text.find("[alice@localhost]"), 17, "[x, 'a@b>']");
    const auto faults = faults_of(text);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_THAT(faults[0], ::testing::StartsWith("c.yaml:8:21: accounts.alice.recipients[1]: "));
}

TEST_F(WrongFile, EveryMissingKeyOfAnAccountIsTold) {
    EXPECT_THAT(faults_of("accounts:\n  a: {port: 995}\n"),
                ::testing::ElementsAre(
                    "c.yaml:2:3: accounts.a.host: is missing: the POP3 server",
                    "c.yaml:2:3: accounts.a.user: is missing: the user name to log in with",
                    "c.yaml:2:3: accounts.a.recipients: is missing: the list of local addresses "
                    "that get the mail",
                    "c.yaml:2:3: accounts.a.deliver_to: is missing: the name of a destination, or "
                    "a list of them",
                    "c.yaml:2:3: accounts.a.password: is missing: text, or where it lies: {file: "
                    "...}"));
}

}  // namespace
}  // namespace postrider::config
