#include "postrider/config/load.h"

#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Load : public ConfigFiles {
  protected:
    /// The configuration of a file that is to have no fault.
    [[nodiscard]] Config good(std::string_view content) const {
        LoadResult result = load_text(content);
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config.value_or(Config());
    }
};

TEST_F(Load, FillsInTheDefaultsOfEverythingNotSaid) {
    const Config config = good(kGood);
    EXPECT_EQ(config.state_dir, "/home/tester/.local/state/postrider");
    EXPECT_EQ(config.log.level, LogLevel::info);
    EXPECT_EQ(config.limits.polls, 200U);
    EXPECT_EQ(config.limits.polls_per_host, 10U);
    EXPECT_EQ(config.limits.memory, 256U * 1024 * 1024);

    const DestinationConfig& local = config.destinations.at("local");
    EXPECT_EQ(local.port, 25);
    EXPECT_EQ(local.tls, Tls::none);
    EXPECT_EQ(local.connections, 8U);
    EXPECT_EQ(local.timeouts.final_dot, minutes(10));

    ASSERT_EQ(config.accounts.size(), 1U);
    const AccountConfig& alice = config.accounts.front();
    EXPECT_EQ(alice.name, "alice");
    EXPECT_EQ(alice.port, 995);
    EXPECT_EQ(alice.tls, Tls::implicit);
    EXPECT_EQ(alice.tls_server_name, "pop.example");
    EXPECT_EQ(alice.auth, Auth::automatic);
    EXPECT_EQ(alice.delete_after, std::nullopt);
    EXPECT_EQ(alice.poll_every, minutes(5));
    EXPECT_TRUE(alice.pipelining);
    EXPECT_EQ(alice.min_rate, 100U);
    EXPECT_EQ(alice.min_rate_over, seconds(60));
    EXPECT_EQ(alice.timeouts.login, seconds(300));
    EXPECT_EQ(alice.timeouts.session, hours(1));
    EXPECT_EQ(alice.place.line, 4U);
}

TEST_F(Load, ReadsEveryKeyOfAnAccount) {
    const Config config = good(
        "state_dir: state\n"
        "log: {level: debug, format: json}\n"
        "limits: {polls: 7, polls_per_host: 3, memory: 4MiB}\n"
        "destinations:\n"
        "  mta: {type: lmtp, host: mx.example, port: 2424, tls: implicit, tls_ca_file: ca.pem,\n"
        "        tls_server_name: other.example, connections: 3, hello_name: me.example,\n"
        "        timeouts: {connect: 1s, tls: 2s, greeting: 3s, mail: 4s, rcpt: 5s, data: 6s,\n"
        "                   block: 7s, final_dot: 8s, idle: 9s}}\n"
        "accounts:\n"
        "  bob@work:\n"
        "    protocol: pop3\n"
        "    host: 192.0.2.1\n"
        "    port: 1110\n"
        "    tls: none\n"
        "    allow_cleartext: true\n"
        "    tls_ca_file: /etc/ca.pem\n"
        "    tls_server_name: pop.example\n"
        "    user: b o b\n"
        "    password: \" s3 \"\n"
        "    auth: plain\n"
        "    recipients: [bob, carol@localhost]\n"
        "    deliver_to: mta\n"
        "    delete_after: 14d\n"
        "    poll_every: 90s\n"
        "    pipelining: off\n"
        "    timeouts: {connect: 1s, greeting: 2s, tls: 3s, login: 4s, reply: 5s, quit: 6s,\n"
        "               session: 7s}\n"
        "    min_rate: 1kB\n"
        "    min_rate_over: 30s\n");
    EXPECT_EQ(config.state_dir, path("state"));
    EXPECT_EQ(config.log.level, LogLevel::debug);
    EXPECT_EQ(config.log.format, LogFormat::json);
    EXPECT_EQ(config.limits.polls, 7U);
    EXPECT_EQ(config.limits.polls_per_host, 3U);
    EXPECT_EQ(config.limits.memory, 4U * 1024 * 1024);

    const DestinationConfig& mta = config.destinations.at("mta");
    EXPECT_EQ(mta.name, "mta");
    EXPECT_EQ(mta.type, DestinationType::lmtp);
    EXPECT_EQ(mta.host, "mx.example");
    EXPECT_EQ(mta.port, 2424);
    EXPECT_EQ(mta.tls, Tls::implicit);
    EXPECT_EQ(mta.tls_ca_file, path("ca.pem"));
    EXPECT_EQ(mta.tls_server_name, "other.example");
    EXPECT_EQ(mta.connections, 3U);
    EXPECT_EQ(mta.hello_name, "me.example");
    const DestinationTimeouts& waits = mta.timeouts;
    EXPECT_THAT(
        (std::vector<Duration>{waits.connect, waits.tls, waits.greeting, waits.mail, waits.rcpt,
                               waits.data, waits.block, waits.final_dot, waits.idle}),
        ElementsAre(seconds(1), seconds(2), seconds(3), seconds(4), seconds(5), seconds(6),
                    seconds(7), seconds(8), seconds(9)));

    const AccountConfig* const bob = config.find_account("bob@work");
    ASSERT_NE(bob, nullptr);
    EXPECT_EQ(bob->host, "192.0.2.1");
    EXPECT_EQ(bob->port, 1110);
    EXPECT_EQ(bob->tls, Tls::none);
    EXPECT_TRUE(bob->allow_cleartext);
    EXPECT_EQ(bob->tls_ca_file, "/etc/ca.pem");
    EXPECT_EQ(bob->tls_server_name, "pop.example");
    EXPECT_EQ(bob->user, "b o b");
    EXPECT_EQ(bob->password.reveal(), " s3 ");
    EXPECT_EQ(bob->auth, Auth::plain);
    ASSERT_EQ(bob->recipients.size(), 2U);
    EXPECT_EQ(bob->recipients[0].text(), "bob");
    EXPECT_EQ(bob->recipients[1].text(), "carol@localhost");
    EXPECT_EQ(bob->deliver_to, std::vector<std::string>{"mta"});
    EXPECT_EQ(bob->delete_after, hours(14 * 24));
    EXPECT_EQ(bob->poll_every, seconds(90));
    EXPECT_FALSE(bob->pipelining);
    const AccountTimeouts& patience = bob->timeouts;
    EXPECT_THAT(
        (std::vector<Duration>{patience.connect, patience.greeting, patience.tls, patience.login,
                               patience.reply, patience.quit, patience.session}),
        ElementsAre(seconds(1), seconds(2), seconds(3), seconds(4), seconds(5), seconds(6),
                    seconds(7)));
    EXPECT_EQ(bob->min_rate, 1000U);
    EXPECT_EQ(bob->min_rate_over, seconds(30));
}

TEST_F(Load, TellsAllMistakesOfAFileAtOnceInTheOrderOfTheFile) {
    EXPECT_THAT(faults_of("limits: {polls: many}\n"
                          "destinations:\n"
                          "  local: {type: smpt, host: 127.0.0.1}\n"
                          "accounts:\n"
                          "  alice:\n"
                          "    hots: pop.example\n"
                          "    tls: startls\n"
                          "    user: alice\n"
                          "    password: {env: ALICE}\n"
                          "    recipients: [alice@localhost]\n"
                          "    deliver_to: lokal\n"),
                ElementsAre("c.yaml:1:17: limits.polls: 'many' is not a whole number from 1 to "
                            "100000",
                            "c.yaml:3:17: destinations.local.type: 'smpt' is none of: smtp, lmtp, "
                            "maildir, command; did you mean 'smtp'?",
                            "c.yaml:5:3: accounts.alice.host: is missing: the POP3 server",
                            "c.yaml:6:5: accounts.alice.hots: unknown key; did you mean 'host'?",
                            "c.yaml:7:10: accounts.alice.tls: 'startls' is none of: none, "
                            "starttls, implicit; did you mean 'starttls'?",
                            "c.yaml:11:17: accounts.alice.deliver_to: 'lokal' is none of: local; "
                            "did you mean 'local'?"));
}

TEST_F(Load, GivesNoConfigurationBesideAProblem) {
    EXPECT_FALSE(load_text(std::string(kGood) + "lgo: {}\n").config.has_value());
    EXPECT_TRUE(load_text(kGood).config.has_value());
}

TEST_F(Load, AsksForAnAccountWhereThereIsNone) {
    const std::string advice =
        "c.yaml: there is no account yet: add one under accounts, with host, user, password, "
        "recipients and deliver_to";
    for (const std::string_view text :
         {"", "# nothing\n", "log: {level: info}\n", "accounts: {}\n", "---\n"}) {
        EXPECT_THAT(faults_of(text), ElementsAre(advice)) << text;
    }
}

TEST_F(Load, NamesAFileThatIsNotThere) {
    const auto result = load(path("none.yaml"), environment_);
    EXPECT_THAT(texts(result.problems),
                ElementsAre("none.yaml: cannot be opened: No such file or directory"));
}

TEST_F(Load, RefusesADirectoryInPlaceOfAFile) {
    EXPECT_THAT(texts(load(directory_, environment_).problems),
                ElementsAre(directory_.string() + ": is not a regular file"));
}

TEST_F(Load, TakesAFileOfTheGreatestSizeAndNoneAnOctetLarger) {
    std::string text(kGood);
    text += "#";
    text.resize(kMaxFile, 'x');
    EXPECT_THAT(faults_of(text), IsEmpty());
    text += 'x';
    EXPECT_THAT(faults_of(text), ElementsAre("c.yaml: is larger than 1.0 MiB"));
}

TEST_F(Load, ForgetsAnAliasBombWithoutExpandingIt) {
    std::ostringstream bomb;
    bomb << "a0: &a0 [x, x]\n";
    for (int i = 1; i < 40; ++i) {
        bomb << "a" << i << ": &a" << i << " [*a" << i - 1 << ", *a" << i - 1 << "]\n";
    }
    const auto faults = faults_of(bomb.str());
    ASSERT_GT(faults.size(), 100U);
    EXPECT_THAT(faults, ::testing::Contains("c.yaml:1:5: anchors (&) are not allowed; quote text "
                                            "that begins with &"));
    EXPECT_THAT(faults, ::testing::Contains("c.yaml:2:10: aliases (*) are not allowed; quote text "
                                            "that begins with *"));
}

TEST_F(Load, StateDirectoryFollowsTheEnvironment) {
    const auto state_dir = [this](Environment environment) {
        environment_ = std::move(environment);
        return good(kGood).state_dir;
    };
    EXPECT_EQ(state_dir({{{"STATE_DIRECTORY", "/var/lib/a:/var/lib/b"}}, 0}), "/var/lib/a");
    EXPECT_EQ(state_dir({{{"HOME", "/root"}}, 0}), "/var/lib/postrider");
    EXPECT_EQ(state_dir({{{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}, 5}), "/x/postrider");
    EXPECT_EQ(state_dir({{{"XDG_STATE_HOME", "x"}, {"HOME", "/h"}}, 5}),
              "/h/.local/state/postrider");
    environment_ = {{}, 5};
    EXPECT_THAT(faults_of(kGood), ElementsAre("c.yaml: state_dir: must be set: there is neither "
                                              "STATE_DIRECTORY nor HOME"));
}

TEST_F(Load, TheControlSocketIsInTheStateDirectoryUnlessItIsSaid) {
    EXPECT_EQ(good("state_dir: /s\n" + std::string(kGood)).control.socket, "/s/control.sock");
    const Control control =
        good("control: {socket: run/c.sock, group: adm}\n" + std::string(kGood)).control;
    EXPECT_EQ(control.socket, path("run/c.sock"));
    EXPECT_EQ(control.group, "adm");
}

TEST_F(Load, MetricsAreOffUnlessTheirPlaceIsSaid) {
    EXPECT_EQ(good(kGood).metrics, Metrics());
    EXPECT_EQ(Metrics().host, "");
    const Metrics metrics =
        good("metrics: {listen: '[::1]:9817', accounts: total}\n" + std::string(kGood)).metrics;
    EXPECT_EQ(metrics.host, "::1");
    EXPECT_EQ(metrics.port, 9817);
    EXPECT_EQ(metrics.accounts, MetricsOf::total);
}

TEST_F(Load, TheControlSocketIsFoundWhateverElseIsWrong) {
    write("c.yaml", "state_dir: /s\nacounts: {}\naccounts: {a: {}}\n");
    EXPECT_EQ(control_socket(path("c.yaml"), environment_).value(), "/s/control.sock");
    write("c.yaml", "control: {socket: /r/c.sock}\nnonsense: 1\n");
    EXPECT_EQ(control_socket(path("c.yaml"), environment_).value(), "/r/c.sock");
    write("c.yaml", "control: {sockt: /r/c.sock}\n");
    EXPECT_EQ(control_socket(path("c.yaml"), environment_).error().code, Errc::config);
    EXPECT_EQ(control_socket(path("none.yaml"), environment_).error().code, Errc::config);
}

TEST_F(Load, PlainPasswordMakesTheFileASecret) {
    const std::string text =
        "destinations: {local: {host: localhost}}\n"
        "accounts:\n"
        "  a: {host: h, user: u, password: canary-1, recipients: [x], deliver_to: local}\n";
    EXPECT_THAT(faults_of(text, 0600), IsEmpty());
    EXPECT_THAT(faults_of(text, 0644),
                ElementsAre("c.yaml:3:35: accounts.a.password: stands here in plain text, but "
                            "others than its owner can get at it (mode 0644): chmod 600 c.yaml"));
    EXPECT_THAT(faults_of(kGood, 0644), IsEmpty()) << "no password in it: anybody may read it";
}

TEST_F(Load, NeverQuotesAPasswordHoweverItIsWritten) {
    // Each is a slip that puts the password where a parser might quote it.
    for (const std::string_view line :
         {"password: {canary}", "password: {canary: x}", "password: [canary]", "password: *canary",
          "password: !canary x", "password: &canary", "password: @canary", "password: \"\\canary\"",
          "password:canary: x", "password: {file: [canary]}", "password: \"canary\\0\"",
          "password: \"canary\\n\"", "password:canary", "password: {env: canary=x}"}) {
        std::string text(kGood);
        const std::string_view good_line = "password: {env: ALICE}";
        text.replace(text.find(good_line), good_line.size(), line);
        const auto faults = faults_of(text);
        EXPECT_THAT(faults, Not(IsEmpty())) << line;
        for (const std::string& fault : faults) {
            EXPECT_THAT(fault, Not(HasSubstr("anary"))) << line;
        }
    }
    for (const std::string& fault :
         faults_of("accounts: {a: {user: u, password:canary, host: h}}\n")) {
        EXPECT_THAT(fault, Not(HasSubstr("canary")));
    }
}

}  // namespace
}  // namespace postrider::config
