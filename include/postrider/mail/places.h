#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "postrider/mail/address.h"

// What may stand between braces in the path of a Maildir or an argument of a command.
namespace postrider::mail {

/// "account", "recipient", "user" (the recipient's local part), "domain".
[[nodiscard]] std::vector<std::string> delivery_places();

/// Does the value of this place depend on the recipient?
[[nodiscard]] bool is_of_recipient(std::string_view place);

/// The value of one of delivery_places(). `domain` is empty for a bare local part.
[[nodiscard]] std::string place_value(std::string_view place, std::string_view account,
                                      const Address& recipient);

}  // namespace postrider::mail
