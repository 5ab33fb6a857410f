#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/store/held.h"

namespace postrider::store {

inline constexpr std::size_t kEnvelopeLimit = 16UL * 1024 * 1024;

/// The JSON that lies beside a held message.
[[nodiscard]] std::string envelope_json(const HeldMessage& what);

/// What envelope_json() wrote. Nothing if it is no such thing.
[[nodiscard]] std::optional<HeldMessage> parse_envelope(std::string_view json);

/// Do both speak of the same delivery to the same recipients? When and why it was refused may
/// differ every time.
[[nodiscard]] bool is_same_hold(std::string_view a, std::string_view b);

}  // namespace postrider::store
