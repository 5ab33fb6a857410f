#include "app/daemon/account_keeper.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "support/temp_dir.h"
#include "unit/app/roster_fixture.h"

namespace postrider::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SecretsTest : public RosterTest {
  protected:
    config::AccountConfig with_file(const std::string& name) {
        config::AccountConfig made = account(name);
        made.password = Secret();
        made.password_source.kind = config::PasswordSource::Kind::file;
        made.password_source.words = {place / name};
        return made;
    }
    void write_secret(const std::string& name, const std::string& secret) {
        test::write_whole(place / name, secret);
        std::filesystem::permissions(
            place / name, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }

    test::TempDir place;
};

TEST_F(SecretsTest, AreFetchedOnceAndKept) {
    write_secret("a", "first");
    apply({with_file("a")});
    loop.advance(6min);
    EXPECT_EQ(tally("a").polls, 2U);
    write_secret("a", "second");
    loop.advance(5min);
    EXPECT_THAT(passwords, ElementsAre("first", "first", "first"));
}

TEST_F(SecretsTest, AreFetchedAnewAfterARefusedLogin) {
    write_secret("a", "first");
    apply({with_file("a")});
    mailbox("a").fails_at = 0;
    mailbox("a").fails_with = Error{Errc::login_refused, Retry::never, "[AUTH] no"};
    loop.advance(10s);
    ASSERT_TRUE(tally("a").trouble);
    mailbox("a").fails_at.reset();
    write_secret("a", "second");
    loop.advance(2min);
    EXPECT_THAT(passwords, ElementsAre("first", "second"));
    EXPECT_FALSE(tally("a").trouble);
}

TEST_F(SecretsTest, OfTheProxyAreKeptBesideAPlainPasswordToo) {
    write_secret("proxy", "of the proxy");
    config::AccountConfig a = account("a");
    a.proxy.emplace();
    a.proxy->password_source = with_file("proxy").password_source;
    apply({a});
    loop.advance(6min);
    EXPECT_THAT(passwords, ElementsAre("secret of a", "secret of a"));
    EXPECT_THAT(proxy_passwords, ElementsAre("of the proxy", "of the proxy"));
}

TEST_F(SecretsTest, OfAProgramLiveAsLongAsIsSaid) {
    config::AccountConfig a = account("a");
    a.password = Secret();
    a.password_source.kind = config::PasswordSource::Kind::command;
    a.password_source.words = {
        "/bin/sh", "-c",
        "n=$(($(cat " + (place / "n") + ") + 1)); echo $n >" + (place / "n") + "; echo $n"};
    a.password_source.lifetime = 12min;
    test::write_whole(place / "n", "0");
    apply({a});
    loop.advance(28min);
    EXPECT_EQ(passwords.size(), 6U);
    EXPECT_THAT(passwords, ElementsAre("1", "1", "1", "2", "2", "2"));
}

TEST_F(SecretsTest, OneThatIsMissingIsTheTroubleOfItsAccount) {
    apply({with_file("a"), account("b")});
    loop.advance(10s);
    ASSERT_TRUE(tally("a").trouble);
    EXPECT_THAT(tally("a").trouble->text, HasSubstr(place / "a"));
    EXPECT_EQ(tally("b").polls, 1U);
    EXPECT_FALSE(tally("b").trouble);
    EXPECT_EQ(mailbox("a").count("open"), 0U);
    write_secret("a", "here now");
    roster.look_again();
    loop.advance(1s);
    EXPECT_FALSE(tally("a").trouble);
}

//
TEST_F(SecretsTest, OfOneAccountAreNotShownToTheProgramOfAnother) {
    environment.variables = {{"OF_A", "secret of a"}, {"PATH", "/usr/bin:/bin"}};
    config::AccountConfig a = account("a");
    a.password = Secret();
    a.password_source.kind = config::PasswordSource::Kind::variable;
    a.password_source.words = {"OF_A"};
    config::AccountConfig b = account("b");
    b.password = Secret();
    b.password_source.kind = config::PasswordSource::Kind::command;
    b.password_source.words = {"sh", "-c", "echo \"<$OF_A>\""};
    apply({a, b});
    loop.advance(10s);
    EXPECT_THAT(passwords, ::testing::UnorderedElementsAre("secret of a", "<>"));
}

TEST_F(SecretsTest, TokensAreFetchedForEveryPoll) {
    write_secret("a", "token");
    config::AccountConfig a = account("a");
    a.password = Secret();
    a.token_source = with_file("a").password_source;
    apply({a});
    loop.advance(6min);
    EXPECT_EQ(tokens, 2U);
}

class AccountKeeperTest : public RosterTest {};

TEST_F(AccountKeeperTest, CountsWhatItsPollsCameTo) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    apply({account("a")});
    loop.advance(10s);
    EXPECT_EQ(tally("a").polls, 1U);
    EXPECT_EQ(tally("a").delivered, 1U);
    EXPECT_GT(tally("a").octets, 200U);
    EXPECT_EQ(tally("a").backlog, 0U);
    EXPECT_EQ(tally("a").failed, 0U);
}

TEST_F(AccountKeeperTest, RemembersTroubleUntilAPollGoesWell) {
    mailbox("a").fails_at = 0;
    apply({account("a")});
    loop.advance(10s);
    ASSERT_TRUE(tally("a").trouble);
    EXPECT_EQ(tally("a").ending, engine::Ending::temporary);
    const auto since = tally("a").troubled_since;
    loop.advance(1min);
    EXPECT_GE(tally("a").failed, 2U);
    EXPECT_EQ(tally("a").troubled_since, since);
    EXPECT_FALSE(tally("a").last_success);
    mailbox("a").fails_at.reset();
    loop.advance(10min);
    EXPECT_FALSE(tally("a").trouble);
    EXPECT_TRUE(tally("a").last_success);
}

TEST_F(AccountKeeperTest, WhatIsDroppedCountsAsFailed) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    fake_sink->hold_answers();
    apply({account("a")});
    loop.advance(10s);
    roster.cut();
    EXPECT_EQ(tally("a").failed, 1U);
    EXPECT_THAT(tally("a").trouble->text, HasSubstr("cut off"));
}

}  // namespace
}  // namespace postrider::app
