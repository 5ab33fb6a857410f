#include <gtest/gtest.h>

#include "protocol/pop3/advice.h"

namespace postrider::pop3 {
namespace {

// P-027
TEST(Pop3Advice, KnowsTheWordsOfServersThatArePassinglyInTrouble) {
    for (const char* const text :
         {"maildrop already locked",
          "Please WAIT a minute",
          "Service unavailable",
          "Exceeded the login limit for a 15 minute period. Reduce the frequency",
          "Server Unavailable. 21",
          "Protocol error. Connection is closed. 10",
          "too many connections",
          "Temporary failure",
          "login too frequently",
          "attachment download exceed today's quota",
          "Temporary authentication failure",
          "Unable to lock maildrop: Mailbox is locked by POP server",
          "Internal server error",
          "/var/mail/x lock busy! Is another session active? (11)",
          "Server shutting down",
          "Login failed: too many connections from your IP",
          "too many login attempts, try again later",
          "Maximum number of connections exceeded",
          "mailbox in use",
          "your account is in use by another client",
          "the account is temporarily unavailable"}) {
        EXPECT_EQ(advice_on(text).hint, Hint::busy) << text;
    }
}

// P-028: who comes back soon with a wrong password gets the account locked.
TEST(Pop3Advice, AWrongPasswordIsNoPassingTroubleWhateverElseIsSaidOfIt) {
    for (const char* const text :
         {"bad password", "invalid user name or password, please try again later",
          "login failed, wait a moment", "the account has been blocked",
          "Password supplied for \"waiter\" is incorrect.",
          "Invalid login or password; account will be blocked after too many attempts",
          "Account locked", "your account is disabled", "this account has been suspended",
          "(#AUTH012) Incorrect username or password. (Server busy)"}) {
        EXPECT_EQ(advice_on(text).hint, Hint::login) << text;
    }
}

// P-028
TEST(Pop3Advice, TheNameOfAUserIsNoWordOfTheServer) {
    EXPECT_EQ(advice_on("no access for lock@busy.example", "Lock@busy.example").hint, Hint::none);
    EXPECT_EQ(advice_on("no access for wait", "wait@isp.example").hint, Hint::none);
    EXPECT_EQ(advice_on("no access for locksmith, blocks").hint, Hint::none);
    EXPECT_EQ(advice_on("please wait, a@x", "a@x").hint, Hint::busy);
    EXPECT_EQ(advice_on("please wait", "").hint, Hint::busy);
}

//
TEST(Pop3Advice, KnowsWhatProvidersSayWhenAPersonMustSeeToTheLogin) {
    for (const char* const text :
         {"[AUTH] Application-specific password required: https://x",
          "[AUTH] Your account is not enabled for POP access. Please visit",
          "[AUTH] Web login required", "[AUTH] Username and password not accepted.",
          "Logon failure: unknown user name or bad password.",
          "Authentication failure: unknown user name or bad password.",
          "POP3 and IMAP access is disabled for this account"}) {
        const Advice advice = advice_on(text);
        EXPECT_EQ(advice.hint, Hint::login) << text;
        EXPECT_FALSE(advice.text.empty()) << text;
        EXPECT_EQ(advice.text.find('\n'), std::string_view::npos) << "one line";
    }
}

TEST(Pop3Advice, HasNothingToSayOfOtherWords) {
    for (const char* const text : {"", "no such message", "unknown command", "clockwork"}) {
        EXPECT_EQ(advice_on(text).hint, Hint::none) << text;
    }
}

}  // namespace
}  // namespace postrider::pop3
