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
/// What a provider is known to say counts first; then trouble of the server's own; then
/// what is said to somebody whose password is wrong, so that it is not tried again soon (P-028);
/// then other words for what passes. `user` is who logged in: servers repeat the name.
[[nodiscard]] Advice advice_on(std::string_view reply_text, std::string_view user = {});

}  // namespace postrider::pop3
