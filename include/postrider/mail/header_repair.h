#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/mail/address.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/outgoing.h"

// What of a header is changed before it is handed on, and which messages are not to be handed on at
// all. `head` is the beginning of a canonical message throughout.
namespace postrider::mail {

/// Of fields that tell whom an earlier delivery was to: MTAs take one that names the recipient of
/// this one for a loop (S-024).
enum class DeliveredTo : std::uint8_t {
    rename,  ///< those that name a recipient get the name X-Delivered-To
    keep,
    drop,  ///< all go
};

/// RFC 5321 section 6.3: more Received fields than this are a loop.
inline constexpr std::size_t kMostReceived = 100;

/// All that is to be changed, sorted: Return-Path fields go (they move into the envelope), and so
/// do or change Delivered-To fields. What stands on top and is no header is made a field
/// (X-Postrider-Mbox, X-Postrider-Orphan), empty lines above a header go, and a message without a
/// header gets an empty line above its body (S-025). Nothing behind the header is touched.
[[nodiscard]] std::vector<Edit> header_edits(std::string_view head, const HeaderScan& scan,
                                             DeliveredTo delivered_to,
                                             const std::vector<Address>& recipients);

/// Why a message goes round, if it does: more than kMostReceived servers had it, or we have fetched
/// it twice before, by the Received lines that we write (S-023).
[[nodiscard]] std::optional<std::string> loop_fault(std::string_view head, const HeaderScan& scan,
                                                    std::string_view own_host);

/// The pseudo message in which UW IMAP keeps its own data: never mail, never to be deleted (S-026).
[[nodiscard]] bool is_folder_data(std::string_view head);

}  // namespace postrider::mail
