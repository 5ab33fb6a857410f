#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "postrider/config/config.h"

#include "config/reader.h"
#include "config/scalars.h"

// What accounts and destinations have in common.
namespace postrider::config {

inline constexpr std::array<Choice<Tls>, 3> kTlsChoices = {{
    {"none", Tls::none},
    {"starttls", Tls::starttls},
    {"implicit", Tls::implicit},
}};

template <auto kMember, class T>
void read_host(Reader& reader, const Value& value, T& into) {
    std::string host;
    reader.text(value, host);
    if (host.empty()) {
        return;
    }
    if (const auto fault = host_fault(host)) {
        reader.report(value, *fault);
    } else {
        into.*kMember = host;
    }
}

/// Where the same name was defined, or that the name is none; true if it can be used.
template <class Earlier>
[[nodiscard]] bool expect_fresh_name(Reader& reader, const Entry& entry, const Earlier* earlier) {
    if (const auto fault = name_fault(entry.key)) {
        reader.report(entry, *fault);
        return false;
    }
    if (earlier != nullptr) {
        const Place& place = earlier->place;
        reader.report(entry, "is already defined in " + place.file + ":" +
                                 std::to_string(place.line) + ":" + std::to_string(place.column));
        return false;
    }
    return true;
}

}  // namespace postrider::config
