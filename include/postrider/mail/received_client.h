#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::mail {

/// Whom a server took a message from, as its Received line tells it. What is empty is not told, or
/// is not fit to be told on.
struct ReceivedClient {
    std::string address;   ///< IPv4, or IPv6 without a prefix
    std::string name;      ///< what DNS says of the address
    std::string helo;      ///< what the client called itself
    std::string protocol;  ///< "SMTP" or "ESMTP"
    bool operator==(const ReceivedClient&) const = default;
};

/// The client of the `hop`-th Received line from the top, from 1: everything below the last server
/// that is trusted may be the sender's invention, and so hop counts those that are. Understands the
/// lines of Postfix, sendmail, Exim, qmail, Exchange and their likes. All empty if there is no such
/// line. `head` is the beginning of a canonical message.
[[nodiscard]] ReceivedClient received_client(std::string_view head, std::size_t hop);

/// The same of the value of one Received field, folded or not.
[[nodiscard]] ReceivedClient parse_received(std::string_view value);

}  // namespace postrider::mail
