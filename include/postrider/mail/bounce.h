#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/mail/address.h"
#include "postrider/mail/envelope.h"

// Telling a sender that a message was not delivered (RFC 3464). Done only where a person asked for
// it: the sender of unwanted mail is mostly somebody else's address.
namespace postrider::mail {

/// At most so many octets of the header go back with it.
inline constexpr std::size_t kReturnedHeaderLimit = 64UL * 1024;

/// Why nobody may be told about this message, if so: there is no sender (RFC 5321 section 4.5.5),
/// or a program or a list has sent it (RFC 3834 section 2, RFC 2919), or it would go round. `head`
/// is the beginning of the canonical message.
[[nodiscard]] std::optional<std::string> fault_of_bounce(const Envelope& envelope,
                                                         std::string_view head);

/// Somebody who did not get it.
struct FailedRecipient {
    Address recipient;
    int code = 0;          ///< of the reply, 0 if there was none
    std::string enhanced;  ///< "5.7.1" or empty
    std::string text;      ///< of the reply, escaped
};

struct Bounce {
    std::string delivery_id;              ///< of the message that was refused
    std::string by_host;                  ///< our own host name, or an address literal
    Address sender;                       ///< of the refused message: who is told
    std::vector<FailedRecipient> failed;  ///< at least one
    std::string_view head;                ///< the beginning of the canonical message
    WallTime time;
};

/// The canonical text of a multipart/report, to be sent with the null sender. It returns the header
/// of the message, not its content.
[[nodiscard]] std::string bounce_text(const Bounce& bounce);

}  // namespace postrider::mail
