#include "config/smtp_keys.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "config/scalars.h"

namespace postrider::config {

namespace {

/// Those that GNU SASL can do and that a mail server may ask for; the first is "the best".
constexpr std::array<Choice<std::string_view>, 7> kAuthChoices = {{
    {"auto", ""},
    {"plain", "PLAIN"},
    {"login", "LOGIN"},
    {"cram-md5", "CRAM-MD5"},
    {"scram-sha-1", "SCRAM-SHA-1"},
    {"scram-sha-256", "SCRAM-SHA-256"},
    {"xoauth2", "XOAUTH2"},
}};

constexpr std::array<Choice<std::string_view>, 4> kNotifyChoices = {{
    {"never", "NEVER"},
    {"success", "SUCCESS"},
    {"failure", "FAILURE"},
    {"delay", "DELAY"},
}};

constexpr std::array<Choice<std::string_view>, 2> kRetChoices = {{
    {"full", "FULL"},
    {"headers", "HDRS"},
}};

constexpr std::array<Choice<LongLines>, 3> kLongLinesChoices = {{
    {"pass", LongLines::pass},
    {"wrap", LongLines::wrap},
    {"hold", LongLines::hold},
}};

constexpr std::array<Choice<NulOctets>, 3> kNulChoices = {{
    {"strip", NulOctets::strip},
    {"pass", NulOctets::pass},
    {"hold", NulOctets::hold},
}};

constexpr std::array<Choice<bool>, 2> kEightBitChoices = {{{"pass", false}, {"hold", true}}};

constexpr std::array<Choice<bool>, 2> kOnAmbiguousChoices = {
    {{"redeliver", false}, {"hold", true}}};

void read_ret(Reader& reader, const Value& value, DsnConfig& into) {
    std::string_view word = into.ret;
    read_choice(reader, value, kRetChoices, word);
    into.ret = word;
}

void add_notify(Reader& reader, const Value& value, DsnConfig& into) {
    std::string_view word;
    read_choice(reader, value, kNotifyChoices, word);
    if (("," + into.notify + ",").find("," + std::string(word) + ",") != std::string::npos &&
        !word.empty()) {
        reader.report(value, "stands here a second time");
    } else if (!word.empty()) {
        into.notify += (into.notify.empty() ? "" : ",") + std::string(word);
    }
}

/// One word or a list of them; NEVER stands alone (RFC 3461 section 4.1).
void read_notify(Reader& reader, const Value& value, DsnConfig& into) {
    into.notify.clear();
    if (value.kind == Value::Kind::scalar) {
        add_notify(reader, value, into);
        return;
    }
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least one of: never, success, failure, delay");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        add_notify(reader, value.items[i], into);
    }
    if (into.notify != "NEVER" && into.notify.find("NEVER") != std::string::npos) {
        reader.report(value, "'never' stands alone");
    }
}

constexpr std::array<Key<DsnConfig>, 3> kDsnKeys = {{
    {"notify", read_notify},
    {"ret", read_ret},
    {"envid", read_boolean<&DsnConfig::envid>},
}};

constexpr std::array<Key<DestinationConfig>, 1> kXclientKeys = {{
    {"trusted_hops", read_number<&DestinationConfig::xclient_hops, 1, 50>},
}};

void check_login(Reader& reader, const Entry& entry, const DestinationConfig& destination) {
    const Value& section = entry.value;
    const Entry* const user = section.find("user");
    if (user != nullptr) {
        const Reader::Scope scope = reader.enter("user");
        if (section.find("password") == nullptr) {
            reader.report(*user, "needs password");
        }
        if (destination.auth == "XOAUTH2" && destination.tls == Tls::none) {
            reader.report(*user, "a token is told to nobody without TLS; use tls: starttls");
        }
    }
    for (const std::string_view key : {"password", "auth"}) {
        const Entry* const alone = section.find(key);
        if (alone != nullptr && user == nullptr) {
            const Reader::Scope scope = reader.enter(key);
            reader.report(*alone, "needs user");
        }
    }
}

}  // namespace

Expected<HostConfig> parse_host(std::string_view text) {
    HostConfig host;
    std::string_view port;
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    const bool is_bracketed = text.starts_with('[') && bracket != std::string_view::npos;
    const bool has_port = colon != std::string_view::npos &&
                          (is_bracketed ? colon == bracket + 1 : text.find(':') == colon);
    if (has_port) {
        port = text.substr(colon + 1);
        text = text.substr(0, colon);
    }
    if (is_bracketed && text.ends_with(']')) {
        text = text.substr(1, text.size() - 2);
    }
    host.host = text;
    if (has_port) {
        const auto number = parse_unsigned(port);
        if (!number || *number == 0 || *number > 65535) {
            return failure(Errc::config, Retry::never,
                           fmt::format("'{}' is no port from 1 to 65535", escaped(port, 64)));
        }
        host.port = static_cast<std::uint16_t>(*number);
    }
    if (text.empty()) {
        return failure(Errc::config, Retry::never, "names no host");
    }
    if (const auto fault = host_fault(host.host)) {
        return failure(Errc::config, Retry::never, *fault);
    }
    return host;
}

Keys<DsnConfig> dsn_keys() {
    return kDsnKeys;
}

Keys<DestinationConfig> xclient_keys() {
    return kXclientKeys;
}

void read_hosts(Reader& reader, const Value& value, DestinationConfig& into) {
    into.hosts.clear();
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least one host");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        const auto text = reader.scalar(value.items[i]);
        if (!text) {
            continue;
        }
        auto host = parse_host(*text);
        if (!host) {
            reader.report(value.items[i], host.error().text);
        } else if (std::find(into.hosts.begin(), into.hosts.end(), *host) != into.hosts.end()) {
            reader.report(value.items[i], "stands here a second time");
        } else {
            into.hosts.push_back(std::move(*host));
        }
    }
}

void read_smtp_user(Reader& reader, const Value& value, DestinationConfig& into) {
    reader.text(value, into.user);
    if (into.user.empty()) {
        return;
    }
    if (const auto fault = user_fault(into.user)) {
        reader.report(value, *fault);
    }
}

void read_smtp_auth(Reader& reader, const Value& value, DestinationConfig& into) {
    std::string_view mechanism = into.auth;
    read_choice(reader, value, kAuthChoices, mechanism);
    into.auth = mechanism;
}

void read_connections_per_recipient(Reader& reader, const Value& value, DestinationConfig& into) {
    if (value.kind == Value::Kind::scalar && value.text.reveal() == "unlimited") {
        into.connections_per_recipient = 0;
        return;
    }
    if (const auto number = reader.number(value, 1, 1000)) {
        into.connections_per_recipient = static_cast<std::uint32_t>(*number);
    }
}

void read_long_lines(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kLongLinesChoices, into.long_lines);
}

void read_nul(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kNulChoices, into.nul);
}

void read_eight_bit(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kEightBitChoices, into.holds_8bit);
}

void read_on_ambiguous(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kOnAmbiguousChoices, into.holds_ambiguous);
}

void read_dsn(Reader& reader, const Value& value, DestinationConfig& into) {
    read_section(reader, value, dsn_keys(), into.dsn);
}

void read_xclient(Reader& reader, const Value& value, DestinationConfig& into) {
    read_section(reader, value, xclient_keys(), into);
    if (value.kind == Value::Kind::map && value.find("trusted_hops") == nullptr) {
        reader.report(value,
                      "needs trusted_hops: how many Received lines, from the top, are by "
                      "servers you trust");
    }
}

void complete_smtp(Reader& reader, const Entry& entry, DestinationConfig& destination) {
    check_login(reader, entry, destination);
    if (destination.type == DestinationType::lmtp && destination.port == 25) {
        const Entry* const port = entry.value.find("port");
        const Reader::Scope scope = reader.enter("port");
        reader.report(port != nullptr ? *port : entry,
                      "25 is for SMTP, never for LMTP (RFC 2033 section 5); is it type: smtp?");
    }
    if (entry.value.find("connections_per_recipient") == nullptr) {
        destination.connections_per_recipient = destination.type == DestinationType::lmtp ? 1 : 0;
    }
    for (HostConfig& host : destination.hosts) {
        if (host.port == 0) {
            host.port = destination.port;
        }
    }
}

}  // namespace postrider::config
