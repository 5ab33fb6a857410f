#include "config/transport.h"

#include <array>

#include "config/command_line.h"
#include "config/fields.h"

namespace postrider::config {

namespace {

void read_transport_command(Reader& reader, const Value& value, AccountConfig& into) {
    read_command_line(reader, value, into.transport_command);
}

constexpr std::array<Key<AccountConfig>, 1> kKeys = {{{"command", read_transport_command}}};

}  // namespace

Keys<AccountConfig> transport_keys() {
    return kKeys;
}

void read_transport(Reader& reader, const Value& value, AccountConfig& into) {
    if (value.kind == Value::Kind::map && value.entries.empty()) {
        reader.report(value, "must be {command: [...]}");
    }
    read_section(reader, value, transport_keys(), into);
}

}  // namespace postrider::config
