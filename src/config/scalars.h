#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::config {

/// "4096", "4096B", "64kB", "4MB", "256MiB", "1GiB": octets; nothing if it is none of these.
/// Decimal units count by 1000, binary ones by 1024; the case of letters does not matter.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// Does the name or IP literal mean this machine? Names are not looked up: only "localhost".
[[nodiscard]] bool is_loopback(std::string_view host);

/// Why this cannot be a host name or an IP literal; nothing if it can.
[[nodiscard]] std::optional<std::string> host_fault(std::string_view host);

/// Why this cannot be our name in EHLO: not a domain, not an address literal (RFC 5321 section
/// 4.1.3); nothing if it can (S-014).
[[nodiscard]] std::optional<std::string> hello_name_fault(std::string_view name);

/// Why this cannot name an account or a destination; nothing if it can. Names become parts of file
/// names, of log lines and of keys in the ledger.
[[nodiscard]] std::optional<std::string> name_fault(std::string_view name);

/// Why a server cannot be told this as a user name (P-016); nothing if it can.
[[nodiscard]] std::optional<std::string> user_fault(std::string_view user);

/// Why a server cannot be told this as a password (P-016); nothing if it can. Does not quote it.
[[nodiscard]] std::optional<std::string> password_fault(std::string_view password);

}  // namespace postrider::config
