#include "protocol/pop3/login_choice.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"
#include "postrider/protocol/sasl/client.h"

namespace postrider::pop3 {

namespace {

constexpr std::size_t kLongestKeyword = std::string_view("USER ").size();
constexpr std::size_t kLineEnd = 2;
constexpr std::string_view kNotAscii = "are for ASCII on this server, and user or password is not";

constexpr std::array<std::string_view, 4> kScramBestFirst = {
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"};
constexpr std::array<std::string_view, 2> kPlainBestFirst = {"PLAIN", "LOGIN"};
constexpr std::array<std::string_view, 2> kBearerBestFirst = {"OAUTHBEARER", "XOAUTH2"};

/// The mechanism of a method; empty where it is none, or not one only.
std::string_view mechanism_of(AuthMethod method) {
    switch (method) {
        case AuthMethod::automatic:
        case AuthMethod::user:
        case AuthMethod::apop:
            return {};
        case AuthMethod::plain:
            return "PLAIN";
        case AuthMethod::login:
            return "LOGIN";
        case AuthMethod::cram_md5:
            return "CRAM-MD5";
        case AuthMethod::scram_sha_1:
            return "SCRAM-SHA-1";
        case AuthMethod::scram_sha_256:
            return "SCRAM-SHA-256";
        case AuthMethod::scram_sha_1_plus:
            return "SCRAM-SHA-1-PLUS";
        case AuthMethod::scram_sha_256_plus:
            return "SCRAM-SHA-256-PLUS";
        case AuthMethod::external:
            return "EXTERNAL";
        case AuthMethod::xoauth2:
            return "XOAUTH2";
        case AuthMethod::oauthbearer:
            return "OAUTHBEARER";
    }
    return {};
}

bool lists(const Capabilities& capabilities, std::string_view mechanism) {
    const auto& sasl = capabilities.sasl;
    return std::find(sasl.begin(), sasl.end(), mechanism) != sasl.end();
}

tl::unexpected<Error> config_fault(std::string text) {
    return failure(Errc::config, Retry::never, std::move(text));
}

tl::unexpected<Error> unsupported(std::string text) {
    return failure(Errc::unsupported, Retry::never, std::move(text));
}

/// Octets that neither a command line nor PLAIN (RFC 4616) can carry.
bool has_forbidden_octet(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool has_outer_blank(std::string_view text) {
    return trimmed(text).size() != text.size();
}

/// Why USER and PASS cannot carry these, or "" (P-016). The charset of what is not ASCII is
/// anybody's guess where the server says nothing of UTF8: as it is it goes out only on request, and
/// where there is no better way.
std::string_view unfit_for_user_pass(const Settings& settings, const Capabilities& capabilities) {
    const std::string_view user = settings.user;
    const std::string_view password = settings.password.reveal();
    constexpr std::size_t kRoom = kMaxCommandLine - kLongestKeyword - kLineEnd;
    if (user.size() > kRoom || password.size() > kRoom) {
        return "are limited to 255 octets a line, and user or password is longer";
    }
    if (has_outer_blank(user) || has_outer_blank(password)) {
        return "cannot carry a user or password that begins or ends with a blank";
    }
    const bool is_wish = settings.auth == AuthMethod::user && !lists(capabilities, "PLAIN");
    if (!capabilities.utf8_user && !is_wish && !(is_ascii(user) && is_ascii(password))) {
        return kNotAscii;
    }
    return {};
}

/// Is everything there that the method proves us with?
Expected<void> check_credentials(const Settings& settings) {
    const std::string_view password = settings.password.reveal();
    if (has_forbidden_octet(settings.user) || has_forbidden_octet(password)) {
        return config_fault("user or password contains a line end or a NUL; take it out");
    }
    const std::string_view mechanism = mechanism_of(settings.auth);
    if (sasl::takes_token(mechanism) && settings.token.empty()) {
        return config_fault("this login takes a token, and there is none; set token");
    }
    const bool needs_password =
        settings.auth == AuthMethod::automatic
            ? settings.token.empty() && !settings.has_client_certificate
            : !sasl::takes_token(mechanism) && settings.auth != AuthMethod::external;
    const bool needs_user = settings.auth != AuthMethod::external;
    if ((needs_user && settings.user.empty()) || (needs_password && password.empty())) {
        return config_fault("user or password is empty; set both");
    }
    return {};
}

Expected<LoginWay> user_way(const Settings& settings, const Capabilities& capabilities) {
    const auto why = unfit_for_user_pass(settings, capabilities);
    if (why == kNotAscii && !lists(capabilities, "PLAIN")) {
        return unsupported(
            fmt::format("USER and PASS {}, and there is no AUTH PLAIN; set auth to "
                        "user to send it as it is",
                        why));
    }
    if (!why.empty()) {
        return unsupported(fmt::format("USER and PASS {}; {}", why,
                                       lists(capabilities, "PLAIN")
                                           ? "set auth to plain"
                                           : "the server does not list AUTH PLAIN either"));
    }
    return LoginWay{LoginWay::Kind::user};
}

Expected<LoginWay> apop_way(const LoginGround& ground) {
    const std::string_view timestamp = apop_timestamp(ground.greeting);
    if (timestamp.empty()) {
        return unsupported(
            "the server does not greet with the timestamp that APOP needs (and one that came "
            "before TLS does not count); choose another auth");
    }
    return LoginWay{LoginWay::Kind::apop, std::string(timestamp)};
}

/// A configured way is taken or is an error: what the server lists must not talk us into another
/// (P-013). Some servers take XOAUTH2 without listing it.
Expected<LoginWay> configured_way(const Settings& settings, const LoginGround& ground) {
    if (settings.auth == AuthMethod::apop) {
        return apop_way(ground);
    }
    if (settings.auth == AuthMethod::user) {
        if (ground.capabilities.known && !ground.capabilities.user) {
            return unsupported(
                "the server does not list USER (CAPA), which the configuration asks for; "
                "choose another auth");
        }
        return user_way(settings, ground.capabilities);
    }
    const std::string mechanism(mechanism_of(settings.auth));
    const bool is_encrypted = settings.encrypted || settings.use_stls;
    const bool may_be_unlisted = settings.auth == AuthMethod::xoauth2 && is_encrypted;
    if (!lists(ground.capabilities, mechanism) && !may_be_unlisted) {
        return unsupported(
            fmt::format("the server does not list AUTH {} (CAPA, SASL), which the configuration "
                        "asks for; choose another auth",
                        mechanism));
    }
    return LoginWay{LoginWay::Kind::sasl, mechanism};
}

template <std::size_t N>
std::string_view first_listed(const std::array<std::string_view, N>& best_first,
                              const LoginGround& ground) {
    const auto* const found =
        std::find_if(best_first.begin(), best_first.end(), [&ground](std::string_view mechanism) {
            const bool can_be_bound = !ground.binding.octets.empty();
            return lists(ground.capabilities, mechanism) &&
                   (can_be_bound || !mechanism.ends_with("-PLUS"));
        });
    return found == best_first.end() ? std::string_view() : *found;
}

Expected<LoginWay> automatic_way(const Settings& settings, const LoginGround& ground) {
    std::string_view mechanism;
    if (!settings.token.empty()) {
        mechanism = first_listed(kBearerBestFirst, ground);
        if (mechanism.empty()) {
            return unsupported(
                "the server lists neither OAUTHBEARER nor XOAUTH2 (CAPA, SASL), so that there is "
                "no use for the token; if it is known to take XOAUTH2 all the same, set auth to "
                "xoauth2");
        }
    } else if (settings.password.empty()) {
        mechanism = "EXTERNAL";
        if (!lists(ground.capabilities, mechanism)) {
            return unsupported(
                "the server does not list AUTH EXTERNAL (CAPA, SASL), so that the certificate "
                "alone is no login; set a password");
        }
    } else {
        mechanism = first_listed(kScramBestFirst, ground);
        if (mechanism.empty()) {
            mechanism = first_listed(kPlainBestFirst, ground);
        }
        if (mechanism.empty()) {
            return user_way(settings, ground.capabilities);
        }
    }
    return LoginWay{LoginWay::Kind::sasl, std::string(mechanism)};
}

}  // namespace

Expected<LoginWay> choose_login(const Settings& settings, const LoginGround& ground) {
    if (auto fit = check_credentials(settings); !fit) {
        return failure(std::move(fit).error());
    }
    return settings.auth == AuthMethod::automatic ? automatic_way(settings, ground)
                                                  : configured_way(settings, ground);
}

std::string_view apop_timestamp(std::string_view greeting) {
    const std::size_t begin = greeting.find('<');
    const std::size_t end = greeting.find('>', std::min(begin, greeting.size()));
    if (end == std::string_view::npos) {
        return {};
    }
    const std::string_view stamp = greeting.substr(begin, end - begin + 1);
    const std::string_view inner = stamp.substr(1, stamp.size() - 2);
    const std::size_t at = inner.find('@');
    const bool has_form =
        at != std::string_view::npos && at > 0 && at + 1 < inner.size() &&
        inner.find_first_of("@<", at + 1) == std::string_view::npos &&
        std::all_of(inner.begin(), inner.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return has_form ? stamp : std::string_view();
}

}  // namespace postrider::pop3
