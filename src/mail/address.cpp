#include "postrider/mail/address.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <fmt/format.h>
#include <idn2.h>

#include "postrider/base/text.h"

#include "mail/octets.h"

namespace postrider::mail {
namespace {

constexpr std::size_t kLocalPartLimit = 64;  // RFC 5321 section 4.5.3.1.1
constexpr std::size_t kAddressLimit = 254;   // section 4.5.3.1.3: a path of 256 less its brackets
constexpr std::size_t kLabelLimit = 63;      // RFC 1035 section 2.3.4

/// Calls `is_part` for each of the parts between dots; false as soon as one of them is refused.
template <class Predicate>
bool all_between_dots(std::string_view text, Predicate is_part) {
    for (;;) {
        const std::size_t dot = text.find('.');
        if (!is_part(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

/// Dot-string, with UTF-8 as RFC 6531 section 3.3 adds it.
bool is_dot_string(std::string_view text) {
    return all_between_dots(text, [](std::string_view atom) {
        return !atom.empty() && std::all_of(atom.begin(), atom.end(),
                                            [](char c) { return is_atext(c) || is_8bit(c); });
    });
}

/// Octets of the Quoted-string that `text` begins with, both quotes included; 0 if there is none.
std::size_t quoted_string_octets(std::string_view text) {
    if (!text.starts_with('"')) return 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') return i + 1;
        if (text[i] == '\\') {
            ++i;
            if (i == text.size() || !is_printable_ascii(text[i])) return 0;
        } else if (!is_printable_ascii(text[i]) && !is_8bit(text[i])) {
            return 0;
        }
    }
    return 0;
}

/// Letters, digits and inner hyphens (RFC 5321 section 4.1.2), or a U-label of RFC 5890.
bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kLabelLimit && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
               return is_alnum(c) || c == '-' || is_8bit(c);
           });
}

/// "[192.0.2.1]", "[IPv6:2001:db8::1]", "[tag:content]" with the octets that these forms need in
/// practice. Whether the number is an address is for the server to say.
bool is_address_literal(std::string_view text) {
    if (text.size() < 3 || text.front() != '[' || text.back() != ']') return false;
    const std::string_view content = text.substr(1, text.size() - 2);
    return std::all_of(content.begin(), content.end(),
                       [](char c) { return is_alnum(c) || c == '.' || c == ':' || c == '-'; });
}

bool is_domain(std::string_view text) {
    return is_address_literal(text) || all_between_dots(text, is_label);
}

/// What is wrong with `text`; empty if nothing is.
std::string_view fault_of(std::string_view text) {
    if (text.empty()) return "it is empty";
    if (text.size() > kAddressLimit) return "it is longer than 254 octets";
    if (!is_clean_utf8(text)) return "it is not UTF-8";
    const std::size_t quoted = quoted_string_octets(text);
    const std::size_t local_octets = quoted > 0 ? quoted : std::min(text.find('@'), text.size());
    const std::string_view local = text.substr(0, local_octets);
    if (local.size() > kLocalPartLimit) return "its local part is longer than 64 octets";
    if (quoted == 0 && !is_dot_string(local)) return "its local part is malformed";
    if (local.size() == text.size()) {
        return quoted == 0 ? "" : "a quoted local part needs a domain";
    }
    if (text[local.size()] != '@') return "something other than '@' follows the local part";
    if (!is_domain(text.substr(local.size() + 1))) return "its domain is malformed";
    return "";
}

/// The A-labels of a domain in UTF-8; nothing if it has none.
std::optional<std::string> a_labels(std::string_view domain) {
    std::uint8_t* labels = nullptr;
    const std::string text(domain);
    const int status = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(text.c_str()), &labels,
                                      IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<std::uint8_t, decltype(&idn2_free)> owner(labels, idn2_free);
    if (status != IDN2_OK) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(labels));
}

bool is_ascii_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), is_8bit);
}

}  // namespace

Expected<Address> Address::parse(std::string_view text) {
    const std::string_view fault = fault_of(text);
    if (!fault.empty()) {
        return failure(Errc::protocol, Retry::never,
                       fmt::format("\"{}\" is no mail address: {}", escaped(text), fault));
    }
    return Address(std::string(text));
}

bool Address::is_ascii() const {
    return is_ascii_text(text_);
}

std::optional<Address> Address::to_ascii() const {
    if (is_ascii()) return *this;
    if (!is_ascii_text(local_part())) return std::nullopt;
    const auto labels = a_labels(domain());
    if (!labels) return std::nullopt;
    auto address = parse(fmt::format("{}@{}", local_part(), *labels));
    if (!address || !address->is_ascii()) return std::nullopt;
    return *std::move(address);
}

std::string_view Address::local_part() const {
    const std::string_view text = text_;
    const std::size_t quoted = quoted_string_octets(text);
    return text.substr(0, quoted > 0 ? quoted : text.find('@'));
}

std::string_view Address::domain() const {
    const std::string_view text = text_;
    const std::size_t local = local_part().size();
    return local < text.size() ? text.substr(local + 1) : std::string_view();
}

std::string comparable_domain(std::string_view domain) {
    const bool has_nul = domain.find('\0') != std::string_view::npos;
    if (!has_nul && !is_ascii_text(domain)) {
        if (const auto labels = a_labels(domain)) return to_lower(*labels);
    }
    return to_lower(domain);
}

std::string comparable(std::string_view address) {
    const std::size_t at = address.rfind('@');
    if (at == std::string_view::npos) return to_lower(address);
    return to_lower(address.substr(0, at + 1)) + comparable_domain(address.substr(at + 1));
}

}  // namespace postrider::mail
