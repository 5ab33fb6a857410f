#include "mail/octets.h"

#include <cstdint>

namespace postrider::mail {
namespace {

struct Lead {
    std::size_t octets = 0;                ///< of the whole sequence; 0 = no sequence begins so
    std::uint8_t low = 0x80, high = 0xbf;  ///< what the second octet may be
};

/// RFC 3629 section 4: the range of the second octet keeps out overlong forms, surrogates and
/// what lies beyond U+10FFFF; here the C1 controls, too.
Lead lead_of(std::uint8_t first) {
    if (first < 0x80) return {.octets = 1};
    if (first < 0xc2) return {};
    if (first == 0xc2) return {.octets = 2, .low = 0xa0};
    if (first < 0xe0) return {.octets = 2};
    if (first == 0xe0) return {.octets = 3, .low = 0xa0};
    if (first == 0xed) return {.octets = 3, .high = 0x9f};
    if (first < 0xf0) return {.octets = 3};
    if (first == 0xf0) return {.octets = 4, .low = 0x90};
    if (first < 0xf4) return {.octets = 4};
    if (first == 0xf4) return {.octets = 4, .high = 0x8f};
    return {};
}

}  // namespace

bool is_clean_utf8(std::string_view text) {
    while (!text.empty()) {
        const Lead lead = lead_of(static_cast<std::uint8_t>(text[0]));
        if (lead.octets == 0 || text.size() < lead.octets) return false;
        for (std::size_t i = 1; i < lead.octets; ++i) {
            const auto octet = static_cast<std::uint8_t>(text[i]);
            const bool second = i == 1;
            if (octet < (second ? lead.low : 0x80) || octet > (second ? lead.high : 0xbf)) {
                return false;
            }
        }
        text.remove_prefix(lead.octets);
    }
    return true;
}

}  // namespace postrider::mail
