#pragma once

#include <optional>
#include <string_view>

namespace postrider::mail {

/// One field of a header, as it stands there: folded, without the line end behind it.
struct HeadField {
    std::string_view name;
    std::string_view value;
};

/// Takes the field off the front of `head`; what has no colon is all name. Nothing at the empty
/// line, and at the end. For those who look for some field; what a delivery depends on is told by
/// scan_header().
[[nodiscard]] std::optional<HeadField> take_field(std::string_view& head);

}  // namespace postrider::mail
