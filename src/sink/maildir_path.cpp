#include "sink/maildir_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "postrider/mail/places.h"

namespace postrider::sink {

namespace {

std::string path_part(std::string_view value) {
    if (value.empty()) {
        return "%";  // of nobody's name: a bare local part has no domain
    }
    std::string part;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto octet = static_cast<unsigned char>(value[i]);
        const bool is_plain = octet > 0x20 && octet != 0x7F && octet != '/' && octet != '%' &&
                              (octet != '.' || i > 0);
        part += is_plain ? std::string(1, value[i]) : fmt::format("%{:02X}", octet);
    }
    return part;
}

}  // namespace

std::string maildir_path(const Pattern& pattern, std::string_view account,
                         const mail::Address& recipient) {
    return pattern.filled([&](std::string_view place) {
        return path_part(mail::place_value(place, account, recipient));
    });
}

std::string common_parent(const Pattern& pattern) {
    const std::string& start = pattern.fixed_start();
    return start.substr(0, start.rfind('/') + 1);
}

}  // namespace postrider::sink
