#include "config/tls_limits.h"

#include <algorithm>
#include <array>

namespace postrider::config {

namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kDigestOctets = 32;
constexpr std::size_t kDigestBase64 = 44;  // the last character is '='

constexpr std::array<Choice<TlsVersion>, 4> kVersions = {{
    {"1.0", TlsVersion::tls1_0},
    {"1.1", TlsVersion::tls1_1},
    {"1.2", TlsVersion::tls1_2},
    {"1.3", TlsVersion::tls1_3},
}};

constexpr std::array<Choice<bool>, 2> kTrusts = {{{"auto", false}, {"both", true}}};

std::optional<unsigned> digit_of(char c) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr std::string_view kUpper = "0123456789ABCDEF";
    const std::size_t digit = std::min(kDigits.find(c), kUpper.find(c));
    return digit == std::string_view::npos ? std::nullopt
                                           : std::optional(static_cast<unsigned>(digit));
}

/// The octets of hexadecimal digits; empty if it is something else.
std::string from_hex(std::string_view text) {
    std::string octets;
    std::optional<unsigned> high;
    for (const char c : text) {
        const auto digit = digit_of(c);
        if (!digit && c == ':' && !high) {
            continue;
        }
        if (!digit) {
            return {};
        }
        if (high) {
            octets += static_cast<char>(*high * 16 + *digit);
            high.reset();
        } else {
            high = digit;
        }
    }
    return high ? std::string() : octets;
}

/// Of 32 octets.
std::string to_base64(std::string_view octets) {
    std::string text;
    unsigned bits = 0;
    unsigned count = 0;
    for (const char c : octets) {
        bits = bits << 8U | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) {
            text += kBase64.at(bits >> (count - 6) & 63U);
        }
    }
    text += kBase64.at(bits << (6 - count) & 63U);
    return text + "=";
}

bool is_base64_digest(std::string_view text) {
    return text.size() == kDigestBase64 && text.back() == '=' &&
           text.find_first_not_of(kBase64) == kDigestBase64 - 1;
}

void read_pin(Reader& reader, const Value& value, std::vector<std::string>& into) {
    const auto text = reader.scalar(value);
    if (!text) {
        return;
    }
    if (auto pin = parse_pin(*text)) {
        into.push_back(std::move(*pin));
    } else {
        reader.report(value,
                      "is no SHA-256 of a public key: 44 characters of base64 or 64 hexadecimal "
                      "digits; a failed connection tells the one of the server");
    }
}

}  // namespace

std::optional<std::string> parse_pin(std::string_view text) {
    constexpr std::string_view kCurlPrefix = "sha256//";
    if (text.starts_with(kCurlPrefix)) {
        text.remove_prefix(kCurlPrefix.size());
    }
    if (is_base64_digest(text)) {
        return std::string(text);
    }
    const std::string octets = from_hex(text);
    return octets.size() == kDigestOctets ? std::optional(to_base64(octets)) : std::nullopt;
}

void read_pins(Reader& reader, const Value& value, AccountConfig& into) {
    std::vector<std::string>& pins = into.tls_limits.pins;
    pins.clear();
    if (value.kind == Value::Kind::scalar) {
        read_pin(reader, value, pins);
        return;
    }
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least one pin");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        read_pin(reader, value.items[i], pins);
    }
}

void read_tls_trust(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kTrusts, into.tls_limits.pins_and_authorities);
}

void read_tls_min_version(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kVersions, into.tls_limits.min_version);
}

/// Which names there are, OpenSSL knows when they are used.
void read_tls_ciphers(Reader& reader, const Value& value, AccountConfig& into) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+!@=:";
    std::string ciphers;
    reader.text(value, ciphers);
    if (ciphers.find_first_not_of(kAllowed) != std::string::npos) {
        reader.report(value, "is no list of ciphers as openssl-ciphers(1) describes it");
    } else {
        into.tls_limits.ciphers = ciphers;
    }
}

void read_tls_security_level(Reader& reader, const Value& value, AccountConfig& into) {
    constexpr std::uint64_t kHighest = 5;
    if (const auto level = reader.number(value, 0, kHighest)) {
        into.tls_limits.security_level = static_cast<int>(*level);
    }
}

}  // namespace postrider::config
