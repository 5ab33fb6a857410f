#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace postrider::config {

/// Offset of the first octet that has no place in a text file: a control character other than TAB,
/// LF and CR, or what is not UTF-8 (RFC 3629). yaml-cpp would take 0x04 for the end of the file and
/// replace broken UTF-8, which would change a password unseen.
[[nodiscard]] std::optional<std::size_t> find_non_text(std::string_view bytes);

}  // namespace postrider::config
