#include "postrider/mail/trace.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

#include "postrider/base/text.h"
#include "postrider/mail/digests.h"

#include "mail/octets.h"

namespace postrider::mail {
namespace {

constexpr std::size_t kDeliveryIdOctets = 16;
constexpr std::string_view kIdField = "X-Postrider-Id: ";
// Keep each line below the 998 octets of RFC 5322 section 2.1.1, whatever we are given.
constexpr std::size_t kNameLimit = 255;  ///< of a host name or an address
constexpr std::size_t kWordLimit = 64;   ///< of a delivery id or a protocol

/// Length and text: no two lists of texts give the same octets.
void append_framed(std::string& message, std::string_view text) {
    message += std::to_string(text.size());
    message += ':';
    message += text;
}

/// `text` with '?' for all but letters, digits and the `also` allowed; cut to `limit`.
std::string restricted(std::string_view text, std::string_view also, std::size_t limit) {
    std::string safe(text.substr(0, limit));
    std::replace_if(
        safe.begin(), safe.end(),
        [also](char c) { return !is_alnum(c) && also.find(c) == std::string_view::npos; }, '?');
    return safe;
}

std::string host_text(std::string_view host) {
    return host.empty() ? "unknown" : restricted(host, "-._:", kNameLimit);
}

/// RFC 5321 section 4.1.3: " ([192.0.2.1])", " ([IPv6:2001:db8::1])", without a zone ("%eth0").
/// Nothing for the path of a local peer.
std::string tcp_info(std::string_view address) {
    address = address.substr(0, address.find('%'));
    if (address.empty() || address.front() == '/') return {};
    const bool is_ipv6 = address.find(':') != std::string_view::npos;
    return fmt::format(" ([{}{}])", is_ipv6 ? "IPv6:" : "", restricted(address, ".:", kNameLimit));
}

}  // namespace

std::string delivery_id(const Secret& installation_key, std::string_view account,
                        std::string_view uid, const Digest& content) {
    std::string message = "postrider delivery 1\n";
    append_framed(message, account);
    append_framed(message, uid);
    message.append(content.begin(), content.end());

    const std::string code = hmac(Hash::sha256, installation_key.reveal(), message);
    const auto* const octets = reinterpret_cast<const std::uint8_t*>(code.data());
    return to_hex({octets, kDeliveryIdOctets});
}

std::string trace_header(const Trace& trace) {
    const std::string id = restricted(trace.delivery_id, "-_", kWordLimit);
    if (!trace.has_received) return fmt::format("{}{}\r\n", kIdField, id);
    const std::string recipient =
        trace.recipient.empty()
            ? ""
            : fmt::format(" for <{}>",
                          restricted(trace.recipient, "!#$%&'*+-/=?^_`{|}~.@[]:", kNameLimit));
    return fmt::format(
        "{}{}\r\n"
        "Received: from {}{}\r\n"
        "\tby {} with {} id {}{};\r\n"
        "\t{}\r\n",
        kIdField, id, host_text(trace.from_host), tcp_info(trace.from_address),
        host_text(trace.by_host), restricted(trace.with, "", kWordLimit), id, recipient,
        rfc5322_date(trace.time));
}

std::size_t trace_header_octets(std::string_view message) {
    std::size_t octets = 0;
    const auto take_line = [&](std::string_view start) -> std::string_view {
        const std::string_view rest = message.substr(octets);
        const std::size_t end = rest.find("\r\n");
        if (!rest.starts_with(start) || end == std::string_view::npos) return {};
        octets += end + 2;
        return rest.substr(0, end);
    };
    std::string_view id = take_line(kIdField);
    if (id.empty()) return 0;
    id.remove_prefix(kIdField.size());
    const std::size_t id_end = octets;
    // A Received line without the same id is somebody else's.
    const bool has_received =
        !take_line("Received: from ").empty() &&
        take_line("\tby ").find(fmt::format(" id {}", id)) != std::string::npos &&
        !take_line("\t").empty();
    return has_received ? octets : id_end;
}

}  // namespace postrider::mail
