#include "config/accounts.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "config/fields.h"
#include "config/logins.h"
#include "config/pacing.h"
#include "config/password.h"
#include "config/recipients.h"
#include "config/retention.h"
#include "config/routing.h"
#include "config/scalars.h"
#include "config/tls_limits.h"
#include "config/transport.h"
#include "config/via.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<bool>, 2> kPipeliningChoices = {{{"auto", true}, {"off", false}}};

constexpr std::array<Key<AccountTimeouts>, 7> kTimeoutKeys = {{
    {"connect", read_deadline<&AccountTimeouts::connect>},
    {"greeting", read_deadline<&AccountTimeouts::greeting>},
    {"tls", read_deadline<&AccountTimeouts::tls>},
    {"login", read_deadline<&AccountTimeouts::login>},
    {"reply", read_deadline<&AccountTimeouts::reply>},
    {"quit", read_deadline<&AccountTimeouts::quit>},
    {"session", read_deadline<&AccountTimeouts::session>},
}};

/// Applies a reader of AccountConfig to the account of a draft.
template <void (*kRead)(Reader&, const Value&, AccountConfig&)>
void in_account(Reader& reader, const Value& value, AccountDraft& draft) {
    kRead(reader, value, draft.account);
}

/// Applies a reader of Retention to the account of a draft.
template <void (*kRead)(Reader&, const Value&, Retention&)>
void in_retention(Reader& reader, const Value& value, AccountDraft& draft) {
    kRead(reader, value, draft.account.retention);
}

/// What it fills in was taken over before the keys of the account are read.
void read_provider(Reader& reader, const Value& value, AccountDraft& draft) {
    const auto name = reader.scalar(value);
    if (!name) {
        return;
    }
    const Provider* const provider = find_provider(*name);
    if (provider == nullptr) {
        reader.report_unknown_word(value, provider_names());
    } else if (!provider->no_pop3.empty()) {
        reader.report(value, provider->no_pop3);
    } else {
        draft.account.provider = *name;
    }
}

void read_protocol(Reader& reader, const Value& value, AccountDraft& /*draft*/) {
    constexpr std::array<Choice<int>, 2> kProtocols = {{{"pop3", 0}, {"imap", std::nullopt}}};
    int only_one = 0;
    read_choice(reader, value, kProtocols, only_one);
}

void read_tls(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kTlsChoices, into.tls);
}

void read_pipelining(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kPipeliningChoices, into.pipelining);
}

void read_delete_after(Reader& reader, const Value& value, AccountConfig& into) {
    const auto text = reader.scalar(value);
    if (!text) {
        return;
    }
    if (*text == "never") {
        into.delete_after = std::nullopt;
    } else if (*text == "now") {
        into.delete_after = Duration::zero();
    } else if (const auto duration = parse_duration(*text)) {
        into.delete_after = duration;
    } else {
        reader.report(value, fmt::format("'{}' is none of: never, now, a duration such as 14d",
                                         escaped(*text, 64)));
    }
}

void read_timeouts(Reader& reader, const Value& value, AccountConfig& into) {
    read_section(reader, value, account_timeout_keys(), into.timeouts);
}

void read_min_rate(Reader& reader, const Value& value, AccountConfig& into) {
    if (const auto size = reader.size(value)) {
        into.min_rate = *size;
    }
}

constexpr std::array<Key<AccountDraft>, 50> kKeys = {{
    {"protocol", read_protocol},
    {"host", in_account<read_host<&AccountConfig::host>>},
    {"port", in_account<read_number<&AccountConfig::port, 1, 65535>>},
    {"tls", in_account<read_tls>},
    {"tls_ca_file", in_account<read_path<&AccountConfig::tls_ca_file>>},
    {"tls_server_name", in_account<read_host<&AccountConfig::tls_server_name>>},
    {"allow_cleartext", in_account<read_boolean<&AccountConfig::allow_cleartext>>},
    {"user", in_account<read_user>},
    {"password", in_account<read_password>},
    {"token", in_account<read_token>},
    {"auth", in_account<read_auth>},
    {"channel_binding", in_account<read_channel_binding>},
    {"tls_client_certificate", in_account<read_path<&AccountConfig::tls_client_certificate>>},
    {"tls_client_key", in_account<read_path<&AccountConfig::tls_client_key>>},
    {"recipients", in_account<read_recipients>},
    {"envelope_sender", in_account<read_envelope_sender>},
    {"delivered_to", in_account<read_delivered_to>},
    {"add_received", in_account<read_boolean<&AccountConfig::adds_received>>},
    {"deliver_to", read_deliver_to},
    {"delete_after", in_account<read_delete_after>},
    {"poll_every", in_account<read_poll_every>},
    {"poll_at_least", in_account<read_poll_at_least>},
    {"active", in_account<read_active>},
    {"pipelining", in_account<read_pipelining>},
    {"timeouts", in_account<read_timeouts>},
    {"min_rate", in_account<read_min_rate>},
    {"min_rate_over", in_account<read_deadline<&AccountConfig::min_rate_over>>},
    {"tls_pin_sha256", in_account<read_pins>},
    {"tls_trust", in_account<read_tls_trust>},
    {"tls_min_version", in_account<read_tls_min_version>},
    {"tls_ciphers", in_account<read_tls_ciphers>},
    {"tls_security_level", in_account<read_tls_security_level>},
    {"refused", read_refused},
    {"bounce_via", read_bounce_via},
    {"proxy", in_account<read_proxy>},
    {"source_address", in_account<read_source_address>},
    {"ip_version", in_account<read_ip_version>},
    {"transport", in_account<read_transport>},
    {"provider", read_provider},
    {"max_message_size", in_retention<read_max_message_size>},
    {"oversize", in_retention<read_oversize>},
    {"max_messages_per_poll", in_retention<read_max_messages_per_poll>},
    {"commit_every", in_retention<read_commit_every>},
    {"order", in_retention<read_order>},
    {"initial", in_retention<read_initial>},
    {"keep_on_server_at_least", in_retention<read_keep_on_server_at_least>},
    {"consumes", in_account<read_consumes>},
    {"fetch_with", in_account<read_fetch_with>},
    {"utf8", in_account<read_boolean<&AccountConfig::utf8>>},
    {"lang", in_account<read_lang>},
}};

struct RequiredKey {
    std::string_view name;
    std::string_view what;
};

constexpr std::array<RequiredKey, 4> kRequired = {{
    {"host", "the POP3 server"},
    {"user", "the user name to log in with"},
    {"recipients", "the list of local addresses that get the mail"},
    {"deliver_to", "the name of a destination, or a list of them"},
}};

}  // namespace

Keys<AccountDraft> account_keys() {
    return kKeys;
}

Keys<AccountTimeouts> account_timeout_keys() {
    return kTimeoutKeys;
}

AccountsReader::AccountsReader(Reader& reader, const Destinations& destinations) : reader_(reader) {
    defaults_.destinations = &destinations;
}

void AccountsReader::read_defaults(const Value& section) {
    if (!reader_.expect_map(section)) {
        return;
    }
    for (const Entry& entry : section.entries) {
        const auto [known, is_new] = default_entries_.try_emplace(entry.key, &entry);
        if (!is_new && known->second->value.file != entry.value.file) {
            const Reader::Scope scope = reader_.enter(entry.key);
            const Place place = reader_.place_of(*known->second);
            reader_.report(entry, fmt::format("is already set in {}:{}:{}", place.file, place.line,
                                              place.column));
        } else {
            read_entry(reader_, entry, account_keys(), defaults_);
        }
    }
}

void AccountsReader::read_accounts(const Value& section) {
    if (!reader_.expect_map(section)) {
        return;
    }
    for (const Entry& entry : section.entries) {
        const Reader::Scope scope = reader_.enter(entry.key);
        const auto earlier = index_.find(entry.key);
        if (!expect_fresh_name(reader_, entry,
                               earlier == index_.end() ? nullptr : &accounts_[earlier->second])) {
            continue;
        }
        AccountDraft draft = defaults_;
        draft.account.name = entry.key;
        draft.account.place = reader_.place_of(entry);
        if (reader_.expect_map(entry.value)) {
            apply_provider(entry.value, draft);
            read_section(reader_, entry.value, account_keys(), draft);
            complete(entry, draft);
        }
        index_.emplace(entry.key, accounts_.size());
        accounts_.push_back(std::move(draft.account));
    }
}

const Provider* AccountsReader::provider_of(const Value& account) const {
    const Entry* named = account.find("provider");
    if (named == nullptr) {
        const auto inherited = default_entries_.find("provider");
        named = inherited == default_entries_.end() ? nullptr : inherited->second;
    }
    return named == nullptr || named->value.kind != Value::Kind::scalar
               ? nullptr
               : find_provider(named->value.text.reveal());
}

void AccountsReader::apply_provider(const Value& account, AccountDraft& draft) {
    const Provider* const provider = provider_of(account);
    if (provider == nullptr) {
        return;
    }
    for (const Entry& entry : provider->keys) {
        read_entry(reader_, entry, account_keys(), draft);
    }
    draft.account.login_advice = provider->advice;
}

const Entry* AccountsReader::find(const Value& account, std::string_view key) const {
    if (const Entry* const own = account.find(key)) {
        return own;
    }
    if (const Provider* const provider = provider_of(account)) {
        const auto filled = std::find_if(provider->keys.begin(), provider->keys.end(),
                                         [key](const Entry& entry) { return entry.key == key; });
        if (filled != provider->keys.end()) {
            return &*filled;
        }
    }
    const auto inherited = default_entries_.find(key);
    return inherited == default_entries_.end() ? nullptr : inherited->second;
}

void AccountsReader::complete(const Entry& entry, AccountDraft& draft) {
    AccountConfig& account = draft.account;
    check_complete(entry);
    complete_routing(reader_, entry, draft);
    check_login(entry, account);
    check_cleartext(entry, account);
    check_way(entry, account);
    if (account.tls_client_key.empty()) {
        account.tls_client_key = account.tls_client_certificate;
    }
    if (account.port == 0) {
        account.port = account.tls == Tls::implicit ? 995 : 110;
    }
    if (account.tls_server_name.empty()) {
        account.tls_server_name = account.host;
    }
    if (account.login_advice.empty()) {
        account.login_advice = advice_for_host(account.host);
    }
}

void AccountsReader::check_complete(const Entry& entry) {
    for (const RequiredKey& key : kRequired) {
        // Where a provider is named that is none, or has no POP3, that is told, and this would be
        // noise.
        const bool is_told = key.name == "host" && find(entry.value, "provider") != nullptr;
        if (find(entry.value, key.name) == nullptr && !is_told) {
            const Reader::Scope scope = reader_.enter(key.name);
            reader_.report(entry, fmt::format("is missing: {}", key.what));
        }
    }
}

void AccountsReader::check_login(const Entry& entry, const AccountConfig& account) {
    const LoginKeys keys = {.has_password = find(entry.value, "password") != nullptr,
                            .has_token = find(entry.value, "token") != nullptr};
    for (const LoginFault& fault : login_faults(account, keys)) {
        const Reader::Scope scope = reader_.enter(fault.key);
        const Entry* const own = entry.value.find(fault.key);
        reader_.report_in(entry.value.file, own != nullptr ? own->value.position : entry.position,
                          std::string(fault.text));
    }
}

void AccountsReader::check_way(const Entry& entry, const AccountConfig& account) {
    if (account.proxy && !account.transport_command.empty()) {
        const Entry* const own = entry.value.find("transport");
        const Reader::Scope scope = reader_.enter("transport");
        reader_.report_in(entry.value.file, own != nullptr ? own->value.position : entry.position,
                          "and proxy are two ways to the host: take one out");
    }
}

void AccountsReader::check_cleartext(const Entry& entry, const AccountConfig& account) {
    if (account.tls != Tls::none || account.allow_cleartext || account.host.empty() ||
        (is_loopback(account.host) && !account.proxy) || !account.transport_command.empty()) {
        return;  // what a program does with it is its own business
    }
    const Entry* const own = entry.value.find("tls");
    const Reader::Scope scope = reader_.enter("tls");
    const Position& position = own != nullptr ? own->value.position : entry.position;
    reader_.report_in(
        entry.value.file, position,
        "'none' would show the password and all mail to the network on the way to the "
        "server; only with allow_cleartext: true");
}

}  // namespace postrider::config
