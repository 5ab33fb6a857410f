#include "postrider/mail/server_fields.h"

#include <algorithm>
#include <array>

#include "postrider/base/text.h"

namespace postrider::mail {

namespace {

constexpr std::array<std::string_view, 7> kKeptByServers = {
    "status:", "x-imap:", "x-imapbase:", "x-keywords:", "x-status:", "x-uid:", "x-uidl:"};

}  // namespace

bool begins_field_of_server(std::string_view line) {
    return std::any_of(kKeptByServers.begin(), kKeptByServers.end(),
                       [line](std::string_view name) { return istarts_with(line, name); });
}

std::uint64_t octets_of_server_fields(std::string_view head) {
    std::uint64_t octets = 0;
    bool is_in_field = false;
    while (!head.empty() && !head.starts_with("\r\n") && !head.starts_with('\n')) {
        const std::size_t end = std::min(head.find('\n'), head.size() - 1) + 1;
        const std::string_view line = head.substr(0, end);
        const bool continues = line.front() == ' ' || line.front() == '\t';
        is_in_field = continues ? is_in_field : begins_field_of_server(line);
        octets += is_in_field ? line.size() : 0;
        head.remove_prefix(end);
    }
    return octets;
}

}  // namespace postrider::mail
