#pragma once

#include <string>
#include <string_view>

namespace postrider::store {

/// `text` as a JSON string, quotes included (RFC 8259 section 7). UTF-8 stays as it is; an octet
/// that is not part of valid UTF-8 becomes the character of that number, for JSON has no octets.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace postrider::store
