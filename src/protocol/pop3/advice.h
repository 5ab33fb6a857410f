#pragma once

#include <cstdint>
#include <string_view>

namespace postrider::pop3 {

/// What the words of a refusal mean where no response code says it.
enum class Hint : std::uint8_t {
    none,
    busy,   ///< a passing trouble, or too many logins or downloads: come back later
    login,  ///< the login is refused for a reason that a person must see to
};

struct Advice {
    Hint hint = Hint::none;
    std::string_view text = {};  ///< one line on what to do; may be empty
};

/// Looks for words that servers and providers are known to use, in any case of letters (P-027,
/// The first that fits counts.
[[nodiscard]] Advice advice_on(std::string_view reply_text);

}  // namespace postrider::pop3
