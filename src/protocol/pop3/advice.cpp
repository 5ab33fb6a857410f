#include "protocol/pop3/advice.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "postrider/base/text.h"

namespace postrider::pop3 {

namespace {

struct Saying {
    std::string_view words;  ///< lower case
    Advice advice;
};

constexpr std::string_view kLessOften = "it counts logins: poll less often (poll_every)";

constexpr std::string_view kAnotherWay =
    "the server does not take this kind of login, whatever it lists: choose another auth";

/// Those that say more come before those that say less.
constexpr std::array<Saying, 24> kSayings = {{
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
    {"enable pop", {Hint::login, "enable POP3 in the settings of the mailbox"}},
    // Yahoo, Tencent, NetEase
    {"app password", {Hint::login, "make an app password in the settings of the account"}},
    {"authorization code",
     {Hint::login, "make an authorization code in the settings of the mailbox and use that"}},
    {"download exceed", {Hint::busy, "the server limits how much is fetched: it goes on later"}},
    // Any
    {"mechanism not supported", {Hint::login, kAnotherWay}},
    {"unsupported authentication mechanism", {Hint::login, kAnotherWay}},
    {"exceeded the login limit", {Hint::busy, kLessOften}},
    {"login limit", {Hint::busy, kLessOften}},
    {"login too frequent", {Hint::busy, kLessOften}},
    {"too many login", {Hint::busy, kLessOften}},
    {"too frequent", {Hint::busy, kLessOften}},
}};

/// A server that speaks of its own trouble has not looked at the password.
constexpr std::array<std::string_view, 10> kTroubles = {
    "temporar",      "unavailable",   "internal error", "server error",    "system error",
    "shutting down", "too many conn", "of connections", "another session", "in use"};

/// Of somebody who is not let in. Whatever else it says ("please wait", "try again later"), to come
/// back soon with the same password is how accounts get locked (P-028).
constexpr std::array<std::string_view, 16> kNotLetIn = {
    "password",       "credential",   "authentication fail", "auth fail",
    "login fail",     "logon fail",   "login incorrect",     "bad login",
    "invalid login",  "invalid user", "unknown user",        "access denied",
    "account locked", "account is",   "account has been",    "blocked"};

/// Words, and not parts of words: nobody's name is meant.
constexpr std::array<std::string_view, 5> kPassingWords = {"lock", "locked", "wait", "busy",
                                                           "overloaded"};
constexpr std::array<std::string_view, 2> kPassingPhrases = {"too many", "try again later"};

template <std::size_t N>
bool has_any_of(const std::array<std::string_view, N>& phrases, std::string_view text) {
    return std::any_of(phrases.begin(), phrases.end(), [text](std::string_view phrase) {
        return text.find(phrase) != std::string_view::npos;
    });
}

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

bool has_word_of_passing(std::string_view text) {
    while (!text.empty()) {
        const auto begin = std::find_if(text.begin(), text.end(), is_letter);
        const auto end = std::find_if_not(begin, text.end(), is_letter);
        const std::string_view word(begin, end);
        if (std::find(kPassingWords.begin(), kPassingWords.end(), word) != kPassingWords.end()) {
            return true;
        }
        text = std::string_view(end, text.end());
    }
    return false;
}

bool is_locked_mailbox(std::string_view text) {
    constexpr std::array<std::string_view, 3> kMailboxes = {"mailbox", "maildrop", "/mail/"};
    return text.find("lock") != std::string_view::npos && has_any_of(kMailboxes, text);
}

/// The name of a user is no word of the server, nor is the part of it before the at sign.
void take_out(std::string& text, std::string_view name) {
    for (std::size_t at = text.find(name); !name.empty() && at != std::string::npos;
         at = text.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        const bool is_whole =
            (at == 0 || !is_letter(text[at - 1])) && (end == text.size() || !is_letter(text[end]));
        if (is_whole) {
            std::fill(text.begin() + static_cast<std::ptrdiff_t>(at),
                      text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
        }
    }
}

}  // namespace

Advice advice_on(std::string_view reply_text, std::string_view user) {
    std::string lower = to_lower(reply_text);
    const auto found = std::find_if(
        kSayings.begin(), kSayings.end(),
        [&lower](const Saying& saying) { return lower.find(saying.words) != std::string::npos; });
    if (found != kSayings.end()) {
        return found->advice;
    }
    const std::string name = to_lower(user);
    take_out(lower, name);
    take_out(lower, std::string_view(name).substr(0, name.find('@')));
    if (has_any_of(kTroubles, lower) || is_locked_mailbox(lower)) {
        return {Hint::busy, {}};
    }
    if (has_any_of(kNotLetIn, lower)) {
        return {Hint::login, {}};
    }
    if (has_any_of(kPassingPhrases, lower) || has_word_of_passing(lower)) {
        return {Hint::busy, {}};
    }
    return {};
}

}  // namespace postrider::pop3
