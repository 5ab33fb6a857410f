#pragma once

#include <string>
#include <string_view>

#include "postrider/base/pattern.h"
#include "postrider/mail/address.h"

namespace postrider::sink {

/// The Maildir of a recipient. What an address contributes is one part of the path, or a piece of
/// one: "/", "%", control octets and a leading dot are written as %XX, so that no address leads
/// elsewhere or to another's Maildir.
[[nodiscard]] std::string maildir_path(const Pattern& pattern, std::string_view account,
                                       const mail::Address& recipient);

/// The directory above all Maildirs of a pattern with places: as far as no place has a say.
[[nodiscard]] std::string common_parent(const Pattern& pattern);

}  // namespace postrider::sink
