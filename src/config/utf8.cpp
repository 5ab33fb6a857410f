#include "config/utf8.h"

#include <cstdint>

namespace postrider::config {

namespace {

/// What may follow a lead octet: how many octets, and the range of the first of them, which keeps
/// out overlong forms, surrogates and what lies beyond U+10FFFF (RFC 3629 section 4).
struct Tail {
    std::size_t count;
    std::uint8_t low;
    std::uint8_t high;
};

std::optional<Tail> tail_of(std::uint8_t lead) {
    if (lead < 0x80) {
        return Tail{0, 0, 0};
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return Tail{1, 0x80, 0xbf};
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        const std::uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;
        const std::uint8_t high = lead == 0xed ? 0x9f : 0xbf;
        return Tail{2, low, high};
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const std::uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;
        return Tail{3, low, high};
    }
    return std::nullopt;
}

bool is_control(std::uint8_t octet) {
    return (octet < 0x20 && octet != '\t' && octet != '\n' && octet != '\r') || octet == 0x7f;
}

bool is_tail(std::string_view octets, const Tail& tail) {
    if (octets.size() < tail.count) {
        return false;
    }
    for (std::size_t i = 0; i < tail.count; ++i) {
        const auto octet = static_cast<std::uint8_t>(octets[i]);
        const bool is_first = i == 0;
        if (octet < (is_first ? tail.low : 0x80) || octet > (is_first ? tail.high : 0xbf)) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<std::size_t> find_non_text(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto lead = static_cast<std::uint8_t>(bytes[at]);
        const auto tail = tail_of(lead);
        if (is_control(lead) || !tail || !is_tail(bytes.substr(at + 1), *tail)) {
            return at;
        }
        at += 1 + tail->count;
    }
    return std::nullopt;
}

}  // namespace postrider::config
