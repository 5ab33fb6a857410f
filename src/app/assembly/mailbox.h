#pragma once

#include <string>

#include "postrider/config/config.h"

namespace postrider::app {

/// Whom an account's polls are a load for: accounts with the same server count together for
/// limits.polls_per_host. On this machine, and behind a program that is the connection, an address
/// says little (tunnels, forwarded ports): there each port, and each program, is a server.
[[nodiscard]] std::string server_of(const config::AccountConfig& account);

/// Accounts with the same one are polled one after the other (P-032). Ports 110 and 995 of a host
/// lead to the same mailboxes; any other port is a server of its own.
[[nodiscard]] std::string mailbox_of(const config::AccountConfig& account);

}  // namespace postrider::app
