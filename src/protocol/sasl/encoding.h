#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"

// How octets and names are written in SASL. Everything may be a secret here, and is wiped as one.
namespace postrider::sasl {

/// RFC 4648 section 4, without line ends.
[[nodiscard]] Secret to_base64(std::string_view octets);
/// Nothing if it is no base64.
[[nodiscard]] std::optional<Secret> from_base64(std::string_view text);

/// The texts one behind the other, in memory that is wiped.
[[nodiscard]] Secret joined(std::initializer_list<std::string_view> texts);

/// SASLprep (RFC 4013) of a user name or password. Errors: config (no UTF-8, or a character that
/// SASLprep forbids).
[[nodiscard]] Expected<Secret> prepared(std::string_view text);

/// A name within a GS2 header: "=2C" for a comma, "=3D" for "=" (RFC 5801 section 4).
[[nodiscard]] std::string gs2_name(std::string_view name);

}  // namespace postrider::sasl
