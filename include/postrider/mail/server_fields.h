#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postrider::mail {

/// Does this line begin a header field that servers which keep mail in mbox files write into a
/// message for themselves (Status, X-UID and the like, S-026)? GNU mailutils adds some when a
/// mailbox is first read and changes them later: it is the same mail all the while. No more of the
/// line is needed than its first kDecisiveOctets.
[[nodiscard]] bool begins_field_of_server(std::string_view line);

inline constexpr std::size_t kDecisiveOctets = 12;

/// How many octets of a header, as a server sends it, are such fields, their line ends included.
[[nodiscard]] std::uint64_t octets_of_server_fields(std::string_view head);

}  // namespace postrider::mail
