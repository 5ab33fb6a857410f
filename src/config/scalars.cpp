#include "config/scalars.h"

#include <algorithm>
#include <array>
#include <limits>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::config {

namespace {

constexpr std::size_t kMaxHost = 253;  // RFC 1035 section 2.3.4, as text without the last dot
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 128;

struct SizeUnit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<SizeUnit, 8> kSizeUnits = {{
    {"", 1},
    {"b", 1},
    {"kb", 1000},
    {"mb", 1000'000},
    {"gb", 1000'000'000},
    {"kib", 1ULL << 10U},
    {"mib", 1ULL << 20U},
    {"gib", 1ULL << 30U},
}};

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<in_addr> parse_ipv4(std::string_view text) {
    in_addr address{};
    if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) {
        return std::nullopt;
    }
    return address;
}

std::optional<in6_addr> parse_ipv6(std::string_view text) {
    in6_addr address{};
    if (::inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) {
        return std::nullopt;
    }
    return address;
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
               return is_alnum(c) || c == '-' || c == '_';
           });
}

bool is_domain(std::string_view text) {
    if (text.size() > kMaxHost) {
        return false;
    }
    while (true) {
        const std::size_t dot = text.find('.');
        if (!is_label(text.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(dot + 1);
    }
}

bool is_non_ascii(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// NUL, CR and LF would end the command or smuggle in another.
std::optional<std::string> line_fault(std::string_view text) {
    constexpr std::string_view kForbidden("\0\r\n", 3);
    if (text.empty()) {
        return "is empty";
    }
    if (text.find_first_of(kForbidden) != std::string_view::npos) {
        return "holds a line end or a NUL, which no mail protocol can carry";
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_unsigned(text.substr(0, digits));
    const std::string_view unit_name = trimmed(text.substr(digits));
    const auto* const unit =
        std::find_if(kSizeUnits.begin(), kSizeUnits.end(),
                     [unit_name](const SizeUnit& u) { return iequals(u.name, unit_name); });
    if (!number || unit == kSizeUnits.end() ||
        *number > std::numeric_limits<std::uint64_t>::max() / unit->factor) {
        return std::nullopt;
    }
    return *number * unit->factor;
}

bool is_loopback(std::string_view host) {
    if (iequals(host, "localhost")) {
        return true;
    }
    if (const auto ipv4 = parse_ipv4(host)) {
        return ntohl(ipv4->s_addr) >> 24U == 127;
    }
    const auto ipv6 = parse_ipv6(host);
    return ipv6 && IN6_IS_ADDR_LOOPBACK(&*ipv6);
}

std::optional<std::string> host_fault(std::string_view host) {
    if (parse_ipv4(host) || parse_ipv6(host) || is_domain(host)) {
        return std::nullopt;
    }
    if (is_non_ascii(host)) {
        return "not ASCII: write the xn-- form of an international host name";
    }
    if (host.find(':') != std::string_view::npos) {
        return "neither a host name nor an IP address; a port has its own key";
    }
    return "neither a host name nor an IP address";
}

std::optional<std::string> hello_name_fault(std::string_view name) {
    constexpr std::string_view kIpv6Tag = "IPv6:";
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
        const std::string_view literal = name.substr(1, name.size() - 2);
        const bool is_ipv6 =
            istarts_with(literal, kIpv6Tag) && parse_ipv6(literal.substr(kIpv6Tag.size()));
        if (is_ipv6 || parse_ipv4(literal)) {
            return std::nullopt;
        }
    } else if (is_domain(name) && !parse_ipv4(name) && name.find('_') == std::string_view::npos) {
        return std::nullopt;
    }
    return "neither a domain name nor an address literal such as [192.0.2.1] or [IPv6:::1]";
}

std::optional<std::string> name_fault(std::string_view name) {
    constexpr std::string_view kAlsoAllowed = "._-+@";
    const bool is_fit = !name.empty() && name.size() <= kMaxName && is_alnum(name.front()) &&
                        std::all_of(name.begin(), name.end(), [kAlsoAllowed](char c) {
                            return is_alnum(c) || kAlsoAllowed.find(c) != std::string_view::npos;
                        });
    if (is_fit) {
        return std::nullopt;
    }
    return fmt::format(
        "a name is made of letters, digits and {}, begins with a letter or digit, and has at most "
        "{} characters",
        kAlsoAllowed, kMaxName);
}

std::optional<std::string> user_fault(std::string_view user) {
    if (auto fault = line_fault(user)) {
        return fault;
    }
    if (user.front() == ' ' || user.back() == ' ') {
        return "begins or ends with a blank, which servers read in different ways";
    }
    return std::nullopt;
}

std::optional<std::string> password_fault(std::string_view password) {
    return line_fault(password);
}

}  // namespace postrider::config
