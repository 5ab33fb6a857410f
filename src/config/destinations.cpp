#include "config/destinations.h"

#include <array>
#include <utility>

#include "config/fields.h"
#include "config/local_destinations.h"
#include "config/scalars.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<DestinationType>, 4> kTypes = {{
    {"smtp", DestinationType::smtp},
    {"lmtp", DestinationType::lmtp},
    {"maildir", DestinationType::maildir},
    {"command", DestinationType::command},
}};

constexpr std::array<Key<DestinationTimeouts>, 8> kTimeoutKeys = {{
    {"connect", read_deadline<&DestinationTimeouts::connect>},
    {"tls", read_deadline<&DestinationTimeouts::tls>},
    {"greeting", read_deadline<&DestinationTimeouts::greeting>},
    {"mail", read_deadline<&DestinationTimeouts::mail>},
    {"rcpt", read_deadline<&DestinationTimeouts::rcpt>},
    {"data", read_deadline<&DestinationTimeouts::data>},
    {"block", read_deadline<&DestinationTimeouts::block>},
    {"final_dot", read_deadline<&DestinationTimeouts::final_dot>},
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

constexpr std::array<Key<DestinationConfig>, 17> kKeys = {{
    {"type", read_type},
    {"host", read_host<&DestinationConfig::host>},
    {"port", read_number<&DestinationConfig::port, 1, 65535>},
    {"socket", read_path<&DestinationConfig::socket>},
    {"tls", read_tls},
    {"tls_ca_file", read_path<&DestinationConfig::tls_ca_file>},
    {"tls_server_name", read_host<&DestinationConfig::tls_server_name>},
    {"connections", read_number<&DestinationConfig::connections, 1, 1000>},
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
    for (const std::string_view key : {"host", "port", "tls", "tls_ca_file", "tls_server_name"}) {
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

/// Fills in what follows from other keys, and tells what does not fit together.
void complete(Reader& reader, const Entry& entry, DestinationConfig& destination) {
    const Value& section = entry.value;
    check_keys_of_type(reader, entry, destination);
    if (destination.type == DestinationType::maildir ||
        destination.type == DestinationType::command) {
        return;
    }
    if (section.find("socket") != nullptr) {
        check_socket(reader, section);
        destination.tls = Tls::none;
        return;
    }
    if (section.find("host") == nullptr) {
        reader.report(entry, "needs host, or socket");
        return;
    }
    const bool is_local = is_loopback(destination.host);
    const Entry* const tls = section.find("tls");
    if (tls == nullptr) {
        destination.tls = is_local ? Tls::none : Tls::starttls;
    } else if (destination.tls == Tls::none && !is_local && !destination.host.empty() &&
               tls->value.kind == Value::Kind::scalar) {
        const Reader::Scope scope = reader.enter("tls");
        reader.report(tls->value, "'none' is for a destination on this machine; use starttls");
    }
    if (destination.port == 0) {
        destination.port = default_port(destination);
    }
    if (destination.tls_server_name.empty()) {
        destination.tls_server_name = destination.host;
    }
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
