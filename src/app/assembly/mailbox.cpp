#include "app/assembly/mailbox.h"

#include <cstdint>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::app {

namespace {

constexpr std::uint16_t kPop3 = 110;
constexpr std::uint16_t kPop3s = 995;

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

/// Where the host name means what it means; empty: here.
std::string way_to(const config::AccountConfig& account) {
    std::string way;
    for (const std::string& argument : account.transport_command) {
        way += argument + '\0';
    }
    if (account.proxy && is_loopback(to_lower(account.host))) {
        way += fmt::format("{}:{}", to_lower(account.proxy->host), account.proxy->port);
    }
    return way;
}

std::string with_port(const config::AccountConfig& account) {
    const std::uint16_t port = account.port == kPop3s ? kPop3 : account.port;
    return fmt::format("{}{} {}", way_to(account), to_lower(account.host), port);
}

}  // namespace

std::string server_of(const config::AccountConfig& account) {
    const std::string host = to_lower(account.host);
    return is_loopback(host) ? with_port(account) : way_to(account) + host;
}

std::string mailbox_of(const config::AccountConfig& account) {
    return with_port(account) + " " + account.user;
}

}  // namespace postrider::app
