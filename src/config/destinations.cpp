#include "config/destinations.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/fields.h"
#include "config/local_destinations.h"
#include "config/password.h"
#include "config/scalars.h"
#include "config/smtp_keys.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<DestinationType>, 4> kTypes = {{
    {"smtp", DestinationType::smtp},
    {"lmtp", DestinationType::lmtp},
    {"maildir", DestinationType::maildir},
    {"command", DestinationType::command},
}};

constexpr std::array<Key<DestinationTimeouts>, 9> kTimeoutKeys = {{
    {"connect", read_deadline<&DestinationTimeouts::connect>},
    {"tls", read_deadline<&DestinationTimeouts::tls>},
    {"greeting", read_deadline<&DestinationTimeouts::greeting>},
    {"mail", read_deadline<&DestinationTimeouts::mail>},
    {"rcpt", read_deadline<&DestinationTimeouts::rcpt>},
    {"data", read_deadline<&DestinationTimeouts::data>},
    {"block", read_deadline<&DestinationTimeouts::block>},
    {"final_dot", read_deadline<&DestinationTimeouts::final_dot>},
    {"idle", read_deadline<&DestinationTimeouts::idle>},
}};

void read_type(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kTypes, into.type);
}

void read_tls(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kTlsChoices, into.tls);
}

void read_hello_name(Reader& reader, const Value& value, DestinationConfig& into) {
    reader.text(value, into.hello_name);
    if (into.hello_name.empty()) {
        return;
    }
    if (const auto fault = hello_name_fault(into.hello_name)) {
        reader.report(value, *fault);
    }
}

void read_timeouts(Reader& reader, const Value& value, DestinationConfig& into) {
    read_section(reader, value, destination_timeout_keys(), into.timeouts);
}

constexpr std::array<Key<DestinationConfig>, 29> kKeys = {{
    {"type", read_type},
    {"host", read_host<&DestinationConfig::host>},
    {"hosts", read_hosts},
    {"port", read_number<&DestinationConfig::port, 1, 65535>},
    {"socket", read_path<&DestinationConfig::socket>},
    {"tls", read_tls},
    {"tls_ca_file", read_path<&DestinationConfig::tls_ca_file>},
    {"tls_server_name", read_host<&DestinationConfig::tls_server_name>},
    {"user", read_smtp_user},
    {"password", read_password},
    {"auth", read_smtp_auth},
    {"connections", read_number<&DestinationConfig::connections, 1, 1000>},
    {"connections_per_recipient", read_connections_per_recipient},
    {"chunking", read_boolean<&DestinationConfig::chunking>},
    {"long_lines", read_long_lines},
    {"nul", read_nul},
    {"eight_bit", read_eight_bit},
    {"dsn", read_dsn},
    {"xclient", read_xclient},
    {"on_ambiguous", read_on_ambiguous},
    {"hello_name", read_hello_name},
    {"timeouts", read_timeouts},
    {"path", read_maildir_path},
    {"argv", read_argv},
    {"environment", read_command_environment},
    {"processes", read_number<&DestinationConfig::processes, 1, 1000>},
    {"timeout", read_deadline<&DestinationConfig::timeout>},
    {"line_ends", read_line_ends},
    {"tls_min_version", nullptr},
}};

std::uint16_t default_port(const DestinationConfig& destination) {
    if (destination.type == DestinationType::lmtp) {
        return 24;
    }
    return destination.tls == Tls::implicit ? 465 : 25;
}

/// Which keys go together: a socket stands for host and port, and is never under TLS.
void check_socket(Reader& reader, const Value& section) {
    for (const std::string_view key :
         {"host", "hosts", "port", "tls", "tls_ca_file", "tls_server_name"}) {
        const Entry* const entry = section.find(key);
        const bool is_tls_off = key == "tls" && entry != nullptr &&
                                entry->value.kind == Value::Kind::scalar &&
                                entry->value.text.reveal() == "none";
        if (entry != nullptr && !is_tls_off) {
            const Reader::Scope scope = reader.enter(key);
            reader.report(*entry, "cannot stand beside socket");
        }
    }
}

/// Are all its hosts this machine? Hosts that could not be read are not held against it.
bool is_local(const DestinationConfig& destination) {
    const bool all_local =
        std::all_of(destination.hosts.begin(), destination.hosts.end(),
                    [](const HostConfig& host) { return is_loopback(host.host); });
    return all_local && (destination.host.empty() || is_loopback(destination.host));
}

void complete_tls(Reader& reader, const Entry& entry, DestinationConfig& destination) {
    const Entry* const tls = entry.value.find("tls");
    const bool local = is_local(destination);
    if (tls == nullptr) {
        destination.tls = local ? Tls::none : Tls::starttls;
    } else if (destination.tls == Tls::none && !local && tls->value.kind == Value::Kind::scalar) {
        const Reader::Scope scope = reader.enter("tls");
        reader.report(tls->value, "'none' is for a destination on this machine; use starttls");
    }
}

/// Fills in what follows from other keys, and tells what does not fit together.
void complete(Reader& reader, const Entry& entry, DestinationConfig& destination) {
    const Value& section = entry.value;
    check_keys_of_type(reader, entry, destination);
    if (destination.type == DestinationType::maildir ||
        destination.type == DestinationType::command) {
        return;
    }
    const bool has_hosts = section.find("hosts") != nullptr;
    if (section.find("socket") != nullptr) {
        check_socket(reader, section);
        destination.tls = Tls::none;
    } else if (section.find("host") == nullptr && !has_hosts) {
        reader.report(entry, "needs host, hosts or socket");
        return;
    } else {
        complete_tls(reader, entry, destination);
        if (destination.port == 0) {
            destination.port = default_port(destination);
        }
    }
    if (const Entry* const host = section.find("host"); host != nullptr && has_hosts) {
        const Reader::Scope scope = reader.enter("host");
        reader.report(*host, "cannot stand beside hosts");
    }
    if (destination.tls_server_name.empty()) {
        destination.tls_server_name = destination.host;
    }
    complete_smtp(reader, entry, destination);
}

}  // namespace

Keys<DestinationConfig> destination_keys() {
    return kKeys;
}

Keys<DestinationTimeouts> destination_timeout_keys() {
    return kTimeoutKeys;
}

void read_destinations(Reader& reader, const Value& section, Destinations& into) {
    if (!reader.expect_map(section)) {
        return;
    }
    for (const Entry& entry : section.entries) {
        const Reader::Scope scope = reader.enter(entry.key);
        const auto earlier = into.find(entry.key);
        if (!expect_fresh_name(reader, entry, earlier == into.end() ? nullptr : &earlier->second)) {
            continue;
        }
        DestinationConfig destination;
        destination.name = entry.key;
        destination.place = reader.place_of(entry);
        if (reader.expect_map(entry.value)) {
            read_section(reader, entry.value, destination_keys(), destination);
            complete(reader, entry, destination);
        }
        into.emplace(entry.key, std::move(destination));
    }
}

}  // namespace postrider::config
