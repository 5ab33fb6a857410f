#include "config/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionConfig : public ConfigFiles {
  protected:
    /// The account of the good file with these lines added, at line 10.
    [[nodiscard]] AccountConfig account(const std::string& lines) const {
        LoadResult result = load_text(std::string(kGood) + lines);
        EXPECT_THAT(texts(result.problems), IsEmpty());
        return result.config ? result.config->accounts.front() : AccountConfig();
    }
    [[nodiscard]] std::vector<std::string> faults(const std::string& lines) const {
        return faults_of(std::string(kGood) + lines);
    }
};

TEST_F(RetentionConfig, ByDefaultEverythingIsFetchedInOneSessionOldestFirst) {
    const AccountConfig plain = account("");
    EXPECT_FALSE(plain.retention.max_message_size);
    EXPECT_FALSE(plain.retention.max_messages_per_poll);
    EXPECT_FALSE(plain.retention.commit_every.messages || plain.retention.commit_every.size ||
                 plain.retention.commit_every.time);
    EXPECT_EQ(plain.retention.order, Order::oldest);
    EXPECT_EQ(plain.retention.initial.kind, Initial::Kind::all);
    EXPECT_EQ(plain.retention.keep_on_server_at_least, Duration::zero());
    EXPECT_EQ(plain.consumes, Consumes::automatic);
    EXPECT_EQ(plain.fetch_with, FetchWith::retr);
    EXPECT_FALSE(plain.utf8);
    EXPECT_EQ(plain.lang, "");
}

TEST_F(RetentionConfig, ReadsEveryKey) {
    const AccountConfig read = account(
        "    max_message_size: 50MiB\n"
        "    oversize: hold\n"
        "    max_messages_per_poll: 200\n"
        "    commit_every: {messages: 100, size: 1MiB, time: 5m}\n"
        "    order: newest\n"
        "    initial: since 2026-01-31\n"
        "    keep_on_server_at_least: 2h\n"
        "    consumes: yes\n"
        "    fetch_with: top\n"
        "    utf8: true\n"
        "    lang: pt-BR\n");
    EXPECT_EQ(read.retention.max_message_size, 50U * 1024 * 1024);
    EXPECT_EQ(read.retention.oversize, Oversize::hold);
    EXPECT_EQ(read.retention.max_messages_per_poll, 200U);
    EXPECT_EQ(read.retention.commit_every.messages, 100U);
    EXPECT_EQ(read.retention.commit_every.size, 1024U * 1024);
    EXPECT_EQ(read.retention.commit_every.time, minutes(5));
    EXPECT_EQ(read.retention.order, Order::newest);
    EXPECT_EQ(read.retention.initial.kind, Initial::Kind::since);
    EXPECT_EQ(iso8601(read.retention.initial.since), "2026-01-31T00:00:00Z");
    EXPECT_EQ(read.retention.keep_on_server_at_least, hours(2));
    EXPECT_EQ(read.consumes, Consumes::yes);
    EXPECT_EQ(read.fetch_with, FetchWith::top);
    EXPECT_TRUE(read.utf8);
    EXPECT_EQ(read.lang, "pt-BR");
}

TEST_F(RetentionConfig, ReadsTheWaysToBegin) {
    EXPECT_EQ(account("    initial: all\n").retention.initial.kind, Initial::Kind::all);
    EXPECT_EQ(account("    initial: new\n").retention.initial.kind, Initial::Kind::fresh);
    const AccountConfig last = account("    initial: last 50\n");
    EXPECT_EQ(last.retention.initial.kind, Initial::Kind::last);
    EXPECT_EQ(last.retention.initial.count, 50U);
    EXPECT_FALSE(account("    max_message_size: none\n").retention.max_message_size);
    EXPECT_FALSE(account("    max_messages_per_poll: all\n").retention.max_messages_per_poll);
    EXPECT_EQ(account("    lang: '*'\n").lang, "*");
}

TEST_F(RetentionConfig, TellsWhatIsNoWayToBegin) {
    const std::string ways = "is none of: all, new, last 50 (a number), since 2026-01-31 (a day)";
    for (const char* const wrong : {"last", "last 0", "last -3", "last 5 6", "since 31.1.2026",
                                    "since 2026-02-30", "new 5", "some"}) {
        EXPECT_THAT(faults(std::string("    initial: ") + wrong + "\n"),
                    ElementsAre("c.yaml:10:14: accounts.alice.initial: '" + std::string(wrong) +
                                "' " + ways));
    }
}

TEST_F(RetentionConfig, TellsLimitsThatAllowNothing) {
    EXPECT_THAT(faults("    max_message_size: 0\n"),
                ElementsAre("c.yaml:10:23: accounts.alice.max_message_size: must be more than 0"));
    EXPECT_THAT(faults("    commit_every: {message: 1}\n"),
                ElementsAre("c.yaml:10:20: accounts.alice.commit_every.message: unknown key; did "
                            "you mean 'messages'?"));
    EXPECT_THAT(faults("    lang: d e\n"),
                ElementsAre("c.yaml:10:11: accounts.alice.lang: is no language tag, such as de or "
                            "pt-BR"));
    EXPECT_EQ(faults("    max_messages_per_poll: 0\n").size(), 1U);
}

}  // namespace
}  // namespace postrider::config
