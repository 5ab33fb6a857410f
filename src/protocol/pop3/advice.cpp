#include "protocol/pop3/advice.h"

#include <algorithm>
#include <array>
#include <string>

#include "postrider/base/text.h"

namespace postrider::pop3 {

namespace {

struct Saying {
    std::string_view words;  ///< lower case
    Advice advice;
};

constexpr std::string_view kLessOften = "it counts logins: poll less often (poll_every)";

/// Those that say more come before those that say less.
constexpr std::array<Saying, 27> kSayings = {{
    // Google
    {"application-specific password required",
     {Hint::login, "make an app password in the settings of the account and use that"}},
    {"not enabled for pop access",
     {Hint::login, "enable POP in the settings of the mailbox (Forwarding and POP/IMAP)"}},
    {"web login required",
     {Hint::login, "log in with a browser once and let this program in; then poll less often"}},
    {"username and password not accepted",
     {Hint::login, "an app password or OAuth2 (auth: xoauth2) is wanted"}},
    // Microsoft
    {"basic authentication is disabled",
     {Hint::login, "passwords are not taken any more: OAuth2 is wanted (auth: xoauth2)"}},
    {"logon failure: unknown user name or bad password",
     {Hint::login, "check user and password; under load this server says so for right ones too"}},
    {"authentication failure: unknown user name or bad password",
     {Hint::login,
      "check user, token and its scope; under load this server says so for right "
      "ones too"}},
    {"protocol error. connection is closed", {Hint::busy, kLessOften}},
    {"server unavailable", {Hint::busy, {}}},
    // 1&1 and others that have POP3 switched off at first
    {"pop3 and imap access is disabled",
     {Hint::login, "enable POP3 in the settings of the mailbox"}},
    {"pop3 access is disabled", {Hint::login, "enable POP3 in the settings of the mailbox"}},
    {"pop3 not enabled", {Hint::login, "enable POP3 in the settings of the mailbox"}},
    {"pop3 is disabled", {Hint::login, "enable POP3 in the settings of the mailbox"}},
    // Yahoo, Tencent, NetEase
    {"app password", {Hint::login, "make an app password in the settings of the account"}},
    {"authorization code",
     {Hint::login, "make an authorization code in the settings of the mailbox and use that"}},
    {"download exceed", {Hint::busy, "the server limits how much is fetched: it goes on later"}},
    // Any
    {"exceeded the login limit", {Hint::busy, kLessOften}},
    {"login limit", {Hint::busy, kLessOften}},
    {"login too frequent", {Hint::busy, kLessOften}},
    {"too many login", {Hint::busy, kLessOften}},
    {"too frequent", {Hint::busy, kLessOften}},
    {"too many", {Hint::busy, {}}},
    {"lock", {Hint::busy, {}}},
    {"wait", {Hint::busy, {}}},
    {"service unavailable", {Hint::busy, {}}},
    {"temporar", {Hint::busy, {}}},
    {"try again later", {Hint::busy, {}}},
}};

}  // namespace

Advice advice_on(std::string_view reply_text) {
    const std::string lower = to_lower(reply_text);
    const auto found = std::find_if(
        kSayings.begin(), kSayings.end(),
        [&lower](const Saying& saying) { return lower.find(saying.words) != std::string::npos; });
    return found == kSayings.end() ? Advice() : found->advice;
}

}  // namespace postrider::pop3
