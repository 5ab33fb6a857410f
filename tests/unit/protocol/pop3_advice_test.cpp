#include <gtest/gtest.h>

#include "protocol/pop3/advice.h"

namespace postrider::pop3 {
namespace {

// P-027
TEST(Pop3Advice, KnowsTheWordsOfServersThatArePassinglyInTrouble) {
    for (const char* const text :
         {"maildrop already locked", "Please WAIT a minute", "Service unavailable",
          "Exceeded the login limit for a 15 minute period. Reduce the frequency",
          "Server Unavailable. 21", "Protocol error. Connection is closed. 10",
          "too many connections", "Temporary failure", "login too frequently",
          "attachment download exceed today's quota"}) {
        EXPECT_EQ(advice_on(text).hint, Hint::busy) << text;
    }
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
    for (const char* const text : {"", "no such message", "unknown command", "bad password"}) {
        EXPECT_EQ(advice_on(text).hint, Hint::none) << text;
    }
}

}  // namespace
}  // namespace postrider::pop3
