#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/mail/address.h"

namespace postrider::mail {

/// A message for more than so many is for nobody: the field is not what it was taken for.
inline constexpr std::size_t kMostRecipients = 100;

/// How the recipients of a mailbox for many are found: in a field in which the last server has
/// written its envelope, never in To or Cc (S-015). Whoever sends mail can write such a field, too:
/// only addresses of these domains, or that are mapped, are recipients.
struct RecipientRule {
    std::string header;             ///< "X-Original-To"
    int occurrence = 1;             ///< from the top; -1: the last
    std::string strip_prefix;       ///< of local parts: "mbox-" of "mbox-bob@isp.example"
    std::set<std::string> domains;  ///< as comparable_domain() writes them
    /// From "bob@isp.example", "bob" or "@isp.example", as comparable() writes it, to whom it is
    /// for here.
    std::map<std::string, Address, std::less<>> map;
    std::optional<Address> unmatched;  ///< who gets what is for nobody; nothing: it is held
    bool operator==(const RecipientRule&) const = default;
};

/// The recipients of a message, each once, in the order of the field. "bob+news" is "bob" to the
/// map. Errors: protocol, never, with the reason why they cannot be known; then it is for
/// `unmatched`. `head` is the header of a canonical message.
[[nodiscard]] Expected<std::vector<Address>> recipients_of(std::string_view head,
                                                           const RecipientRule& rule);

/// May recipients be looked for in this field? Not in what the author or a list writes.
[[nodiscard]] bool is_envelope_field(std::string_view name);

}  // namespace postrider::mail
