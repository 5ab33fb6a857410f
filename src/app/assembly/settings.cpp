#include "app/assembly/settings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postrider::app {

namespace {

template <class To>
To tls_mode(config::Tls tls) {
    switch (tls) {
        case config::Tls::none:
            return To::none;
        case config::Tls::starttls:
            return To::starttls;
        case config::Tls::implicit:
            return To::implicit;
    }
    return To::implicit;
}

engine::EnvelopeSender envelope_sender(const config::EnvelopeSenderConfig& sender) {
    using Kind = engine::EnvelopeSender::Kind;
    if (sender.is_return_path) {
        return {Kind::return_path, std::nullopt};
    }
    return {sender.fixed ? Kind::fixed : Kind::null, sender.fixed};
}

engine::Refusal refusal(config::Refused refused) {
    switch (refused) {
        case config::Refused::hold:
            return engine::Refusal::hold;
        case config::Refused::discard:
            return engine::Refusal::discard;
        case config::Refused::bounce:
            return engine::Refusal::bounce;
    }
    return engine::Refusal::hold;
}

pop3::AuthMethod auth_method(config::Auth auth) {
    switch (auth) {
        case config::Auth::automatic:
            return pop3::AuthMethod::automatic;
        case config::Auth::user:
            return pop3::AuthMethod::user;
        case config::Auth::apop:
            return pop3::AuthMethod::apop;
        case config::Auth::plain:
            return pop3::AuthMethod::plain;
        case config::Auth::login:
            return pop3::AuthMethod::login;
        case config::Auth::cram_md5:
            return pop3::AuthMethod::cram_md5;
        case config::Auth::scram_sha_1:
            return pop3::AuthMethod::scram_sha_1;
        case config::Auth::scram_sha_256:
            return pop3::AuthMethod::scram_sha_256;
        case config::Auth::scram_sha_1_plus:
            return pop3::AuthMethod::scram_sha_1_plus;
        case config::Auth::scram_sha_256_plus:
            return pop3::AuthMethod::scram_sha_256_plus;
        case config::Auth::external:
            return pop3::AuthMethod::external;
        case config::Auth::xoauth2:
            return pop3::AuthMethod::xoauth2;
        case config::Auth::oauthbearer:
            return pop3::AuthMethod::oauthbearer;
    }
    return pop3::AuthMethod::automatic;
}

net::BindingKind binding_kind(config::ChannelBinding binding) {
    switch (binding) {
        case config::ChannelBinding::automatic:
            return net::BindingKind::automatic;
        case config::ChannelBinding::exporter:
            return net::BindingKind::exporter;
        case config::ChannelBinding::unique:
            return net::BindingKind::unique;
        case config::ChannelBinding::server_end_point:
            return net::BindingKind::server_end_point;
    }
    return net::BindingKind::automatic;
}

net::TlsVersion tls_version(config::TlsVersion version) {
    switch (version) {
        case config::TlsVersion::tls1_0:
            return net::TlsVersion::tls1_0;
        case config::TlsVersion::tls1_1:
            return net::TlsVersion::tls1_1;
        case config::TlsVersion::tls1_2:
            return net::TlsVersion::tls1_2;
        case config::TlsVersion::tls1_3:
            return net::TlsVersion::tls1_3;
    }
    return net::TlsVersion::tls1_2;
}

net::IpVersion ip_version(config::IpVersion version) {
    switch (version) {
        case config::IpVersion::any:
            return net::IpVersion::any;
        case config::IpVersion::only_4:
            return net::IpVersion::only_4;
        case config::IpVersion::only_6:
            return net::IpVersion::only_6;
        case config::IpVersion::prefer_4:
            return net::IpVersion::prefer_4;
        case config::IpVersion::prefer_6:
            return net::IpVersion::prefer_6;
    }
    return net::IpVersion::any;
}

net::Via via(const config::AccountConfig& account) {
    net::Via via;
    if (const auto& proxy = account.proxy) {
        via.proxy = {proxy->type == config::ProxyType::http ? net::Proxy::Kind::http
                                                            : net::Proxy::Kind::socks5,
                     {proxy->host, proxy->port, ""},
                     proxy->user,
                     proxy->password};
    }
    via.source_address = account.source_address;
    via.ip_version = ip_version(account.ip_version);
    return via;
}

source::Consumes consumes(config::Consumes consumes) {
    switch (consumes) {
        case config::Consumes::automatic:
            return source::Consumes::automatic;
        case config::Consumes::yes:
            return source::Consumes::yes;
        case config::Consumes::no:
            return source::Consumes::no;
    }
    return source::Consumes::automatic;
}

engine::Initial initial(const config::Initial& initial) {
    switch (initial.kind) {
        case config::Initial::Kind::all:
            return {};
        case config::Initial::Kind::fresh:
            return {engine::Initial::Kind::none, 0, {}};
        case config::Initial::Kind::last:
            return {engine::Initial::Kind::last, initial.count, {}};
        case config::Initial::Kind::since:
            return {engine::Initial::Kind::since, 0, initial.since};
    }
    return {};
}

sink::LongLines long_lines(config::LongLines policy) {
    switch (policy) {
        case config::LongLines::pass:
            return sink::LongLines::pass;
        case config::LongLines::wrap:
            return sink::LongLines::wrap;
        case config::LongLines::hold:
            return sink::LongLines::hold;
    }
    return sink::LongLines::pass;
}

sink::NulOctets nul_octets(config::NulOctets policy) {
    switch (policy) {
        case config::NulOctets::strip:
            return sink::NulOctets::strip;
        case config::NulOctets::pass:
            return sink::NulOctets::pass;
        case config::NulOctets::hold:
            return sink::NulOctets::hold;
    }
    return sink::NulOctets::pass;
}

/// Each host with the certificate it must show: its own, unless one name stands for all.
std::vector<sink::SmtpHost> smtp_hosts(const config::DestinationConfig& destination) {
    std::vector<config::HostConfig> hosts = destination.hosts;
    if (hosts.empty()) {
        hosts.push_back({destination.host, destination.port});
    }
    std::vector<sink::SmtpHost> result;
    for (const config::HostConfig& host : hosts) {
        sink::SmtpHost one{{host.host, host.port, destination.socket}};
        const std::string& name = destination.tls_server_name;
        one.tls = {.server_name = name.empty() ? host.host : name,
                   .ca_file = destination.tls_ca_file,
                   .session_key = "destination " + destination.name + " " + one.endpoint.to_text()};
        result.push_back(std::move(one));
    }
    return result;
}

}  // namespace

source::Pop3Settings pop3_settings(const config::AccountConfig& account, const mail::Spool& spool) {
    source::Pop3Settings settings;
    settings.endpoint.host = account.host;
    settings.endpoint.port = account.port;
    settings.via = via(account);
    settings.tls = tls_mode<source::TlsMode>(account.tls);
    settings.tls_settings = {.server_name = account.tls_server_name,
                             .ca_file = account.tls_ca_file,
                             .session_key = "account " + account.name,
                             .client_certificate = account.tls_client_certificate,
                             .client_key = account.tls_client_key,
                             .pins = account.tls_limits.pins,
                             .pins_and_authorities = account.tls_limits.pins_and_authorities,
                             .min_version = tls_version(account.tls_limits.min_version),
                             .ciphers = account.tls_limits.ciphers,
                             .security_level = account.tls_limits.security_level};
    settings.allow_cleartext = account.allow_cleartext;
    settings.auth = auth_method(account.auth);
    settings.user = account.user;
    settings.password = account.password;
    settings.fetch_token = account.fetch_token.run;
    settings.channel_binding = binding_kind(account.channel_binding);
    settings.pipelining = account.pipelining;
    settings.consumes = consumes(account.consumes);
    settings.fetch_with_top = account.fetch_with == config::FetchWith::top;
    settings.max_message_size = account.retention.max_message_size;
    settings.utf8 = account.utf8;
    settings.lang = account.lang;
    settings.login_advice = account.login_advice;
    settings.timeouts = {.connect = account.timeouts.connect,
                         .tls = account.timeouts.tls,
                         .greeting = account.timeouts.greeting,
                         .login = account.timeouts.login,
                         .reply = account.timeouts.reply,
                         .quit = account.timeouts.quit,
                         .session = account.timeouts.session};
    settings.min_rate = account.min_rate;
    settings.min_rate_over = account.min_rate_over;
    settings.spool = spool;
    return settings;
}

sink::SmtpSettings smtp_settings(const config::DestinationConfig& destination,
                                 const std::string& own_host) {
    sink::SmtpSettings settings;
    settings.name = destination.name;
    settings.hosts = smtp_hosts(destination);
    settings.flavour = destination.type == config::DestinationType::lmtp ? smtp::Flavour::lmtp
                                                                         : smtp::Flavour::smtp;
    settings.tls = tls_mode<sink::TlsMode>(destination.tls);
    settings.hello_name = destination.hello_name.empty() ? own_host : destination.hello_name;
    if (!destination.user.empty()) {
        settings.login = {.user = destination.user,
                          .password = destination.password,
                          .mechanism = destination.auth};
    }
    settings.chunking = destination.chunking;
    settings.content = {.long_lines = long_lines(destination.long_lines),
                        .nul = nul_octets(destination.nul),
                        .holds_8bit = destination.holds_8bit};
    settings.dsn = {.notify = destination.dsn.notify, .ret = destination.dsn.ret};
    settings.tells_envid = destination.dsn.envid;
    settings.xclient_hops = destination.xclient_hops;
    settings.connections = destination.connections;
    settings.per_recipient = destination.connections_per_recipient;
    settings.timeouts = {.connect = destination.timeouts.connect,
                         .tls = destination.timeouts.tls,
                         .greeting = destination.timeouts.greeting,
                         .mail = destination.timeouts.mail,
                         .rcpt = destination.timeouts.rcpt,
                         .data = destination.timeouts.data,
                         .block = destination.timeouts.block,
                         .final_dot = destination.timeouts.final_dot,
                         .idle = destination.timeouts.idle};
    return settings;
}

sink::MaildirSettings maildir_settings(const config::DestinationConfig& destination) {
    return {destination.path, destination.line_ends};
}

net::CommandTransport command_transport(const config::AccountConfig& account,
                                        const config::Environment& environment) {
    // What ssh and its like go by. Of the rest of ours, which may hold secrets, nothing.
    constexpr std::array<const char*, 9> kPassedOn = {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "SSH_AUTH_SOCK"};
    net::CommandTransport transport;
    transport.argv = account.transport_command;
    for (const std::string name : kPassedOn) {
        if (const auto value = environment.variable(name)) {
            transport.environment.push_back(name + "=" + *value);
        }
    }
    return transport;
}

sink::CommandSettings command_settings(const config::DestinationConfig& destination,
                                       const config::Environment& environment) {
    sink::CommandSettings settings;
    settings.name = destination.name;
    settings.argv = destination.argv;
    for (const std::string& variable : destination.environment) {
        if (variable.find('=') != std::string::npos) {
            settings.environment.push_back(variable);
        } else if (const auto value = environment.variable(variable)) {
            settings.environment.push_back(variable + "=" + *value);
        }
    }
    settings.processes = destination.processes;
    settings.timeout = destination.timeout;
    settings.line_ends = destination.line_ends;
    return settings;
}

engine::AccountPolicy account_policy(const config::AccountConfig& account) {
    engine::AccountPolicy policy;
    policy.account = account.name;
    policy.recipients = account.recipients;
    policy.recipient_rule = account.recipient_rule;
    policy.sender = envelope_sender(account.envelope_sender);
    policy.delivered_to = account.delivered_to;
    policy.adds_received = account.adds_received;
    policy.delete_after = account.delete_after;
    policy.refused.otherwise = refusal(account.refused.otherwise);
    for (const auto& [code, refused] : account.refused.by_code) {
        policy.refused.by_code.emplace(code, refusal(refused));
    }
    const config::Retention& retention = account.retention;
    policy.keep_on_server_at_least = retention.keep_on_server_at_least;
    policy.max_message_size = retention.max_message_size;
    policy.oversize = retention.oversize == config::Oversize::hold ? engine::Oversize::hold
                                                                   : engine::Oversize::skip;
    policy.max_messages_per_poll = retention.max_messages_per_poll;
    policy.commit_every = {.messages = retention.commit_every.messages,
                           .octets = retention.commit_every.size,
                           .time = retention.commit_every.time};
    policy.order =
        retention.order == config::Order::newest ? engine::Order::newest : engine::Order::oldest;
    policy.initial = initial(retention.initial);
    return policy;
}

std::string safe_host_name(const std::string& name) {
    const bool is_ldh = !name.empty() && name.size() <= 253 && name.front() != '-' &&
                        name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
                            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                   (c >= '0' && c <= '9') || c == '-' || c == '.';
                        });
    return is_ldh ? name : "[127.0.0.1]";
}

}  // namespace postrider::app
