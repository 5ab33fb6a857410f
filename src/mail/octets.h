#pragma once

#include <cstddef>
#include <string_view>

// Kinds of octets as RFC 5322 and RFC 6532 sort them. ASCII only, no locale.
namespace postrider::mail {

[[nodiscard]] constexpr bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

[[nodiscard]] constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

[[nodiscard]] constexpr bool is_8bit(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

[[nodiscard]] constexpr bool is_printable_ascii(char c) {
    return c >= 0x20 && c <= 0x7e;
}

/// RFC 5322 section 3.2.3, without the UTF-8 that RFC 6532 adds.
[[nodiscard]] constexpr bool is_atext(char c) {
    return is_alnum(c) ||
           (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}

/// Octets of field names: printable ASCII but the colon and the blank (RFC 5322 section 3.6.8).
[[nodiscard]] constexpr bool is_ftext(char c) {
    return c >= 0x21 && c <= 0x7e && c != ':';
}

/// Well-formed UTF-8 (RFC 3629) without the C1 controls U+0080 to U+009F.
[[nodiscard]] bool is_clean_utf8(std::string_view text);

}  // namespace postrider::mail
