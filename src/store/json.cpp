#include "store/json.h"

#include <cstddef>

#include <fmt/format.h>

namespace postrider::store {
namespace {

constexpr unsigned octet_at(std::string_view text, std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

constexpr bool is_between(unsigned octet, unsigned low, unsigned high) {
    return octet >= low && octet <= high;
}

/// Octets of the character that `text` begins with, 0 if it is not well-formed: the table of
/// RFC 3629 section 4, which leaves out overlong forms and surrogates.
constexpr std::size_t utf8_length(std::string_view text) {
    const unsigned first = octet_at(text, 0);
    const unsigned second = octet_at(text, 1);
    const bool third = is_between(octet_at(text, 2), 0x80, 0xbf);
    const bool fourth = is_between(octet_at(text, 3), 0x80, 0xbf);
    if (first < 0x80) {
        return 1;
    }
    if (is_between(first, 0xc2, 0xdf)) {
        return is_between(second, 0x80, 0xbf) ? 2 : 0;
    }
    if (is_between(first, 0xe0, 0xef)) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return is_between(second, low, high) && third ? 3 : 0;
    }
    if (is_between(first, 0xf0, 0xf4)) {
        const unsigned low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return is_between(second, low, high) && third && fourth ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string json_string(std::string_view text) {
    std::string json = "\"";
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const unsigned first = octet_at(text, 0);
        if (first == '"' || first == '\\') {
            json += '\\';
            json += text.front();
        } else if (length == 0 || first < 0x20 || first == 0x7f) {
            json += fmt::format("\\u{:04x}", first);
        } else {
            json += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return json + '"';
}

}  // namespace postrider::store
