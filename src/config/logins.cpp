#include "config/logins.h"

#include <array>

#include "config/scalars.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<Auth>, 14> kAuthChoices = {{
    {"auto", Auth::automatic},
    {"user", Auth::user},
    {"apop", Auth::apop},
    {"plain", Auth::plain},
    {"login", Auth::login},
    {"cram-md5", Auth::cram_md5},
    {"scram-sha-1", Auth::scram_sha_1},
    {"scram-sha-256", Auth::scram_sha_256},
    {"scram-sha-1-plus", Auth::scram_sha_1_plus},
    {"scram-sha-256-plus", Auth::scram_sha_256_plus},
    {"external", Auth::external},
    {"xoauth2", Auth::xoauth2},
    {"oauthbearer", Auth::oauthbearer},
    {"ntlm", std::nullopt},
}};

constexpr std::array<Choice<ChannelBinding>, 4> kBindingChoices = {{
    {"auto", ChannelBinding::automatic},
    {"tls-exporter", ChannelBinding::exporter},
    {"tls-unique", ChannelBinding::unique},
    {"tls-server-end-point", ChannelBinding::server_end_point},
}};

bool is_bearer(Auth auth) {
    return auth == Auth::xoauth2 || auth == Auth::oauthbearer;
}

/// The proof that is missing or that there is too much of.
std::vector<LoginFault> proof_faults(const AccountConfig& account, const LoginKeys& keys) {
    const bool has_certificate = !account.tls_client_certificate.empty();
    if (account.auth == Auth::automatic) {
        if (keys.has_token && keys.has_password) {
            return {{"token", "and password are two ways to log in: take one out, or set auth"}};
        }
        if (!keys.has_token && !keys.has_password && !has_certificate) {
            return {{"password", "is missing: text, or where it lies: {file: ...}"}};
        }
    } else if (is_bearer(account.auth)) {
        if (!keys.has_token) {
            return {{"token",
                     "is missing: where the access token for this auth lies: {command: [...]}"}};
        }
    } else if (account.auth == Auth::external) {
        if (!has_certificate) {
            return {{"tls_client_certificate", "is missing: auth: external is the login by it"}};
        }
    } else if (!keys.has_password) {
        return {{"password", "is missing: this auth takes one, and no token or certificate"}};
    }
    return {};
}

}  // namespace

void read_user(Reader& reader, const Value& value, AccountConfig& into) {
    reader.text(value, into.user);
    if (into.user.empty()) {
        return;
    }
    if (const auto fault = user_fault(into.user)) {
        reader.report(value, *fault);
    }
}

void read_auth(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kAuthChoices, into.auth);
}

void read_channel_binding(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kBindingChoices, into.channel_binding);
}

std::vector<LoginFault> login_faults(const AccountConfig& account, const LoginKeys& keys) {
    std::vector<LoginFault> faults = proof_faults(account, keys);
    const bool has_certificate = !account.tls_client_certificate.empty();
    if (!account.tls_client_key.empty() && !has_certificate) {
        faults.push_back(
            {"tls_client_certificate", "is missing: tls_client_key is the key of one"});
    }
    if (has_certificate && account.tls == Tls::none) {
        faults.push_back({"tls_client_certificate", "is shown in TLS only, and tls is none"});
    }
    const TlsLimits& limits = account.tls_limits;
    if (limits.min_version < TlsVersion::tls1_2 && limits.security_level != 0) {
        faults.push_back(
            {"tls_min_version",
             "below 1.2 needs tls_security_level: 0; both for servers that have nothing better"});
    }
    if (limits.pins_and_authorities && limits.pins.empty()) {
        faults.push_back({"tls_trust", "'both' needs tls_pin_sha256"});
    }
    if (account.auth == Auth::apop && account.tls == Tls::starttls) {
        faults.push_back({"auth",
                          "'apop' proves itself by the greeting, which with tls: starttls comes "
                          "before TLS and cannot be trusted; use tls: implicit or another auth"});
    }
    return faults;
}

}  // namespace postrider::config
