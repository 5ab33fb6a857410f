#pragma once

#include <string_view>

#include "postrider/protocol/smtp/dialogue.h"

namespace postrider::smtp {

/// What a server offers, from the text of its positive reply to EHLO or LHLO (RFC 5321 section
/// 4.1.1.1): the first line is its name, each other a keyword with parameters. Unknown keywords are
/// nothing to us; case means nothing; a keyword with parameters it should not have still counts.
[[nodiscard]] Capabilities parse_capabilities(std::string_view reply_text);

}  // namespace postrider::smtp
