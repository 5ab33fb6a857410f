#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::config {

/// What a configuration may depend on besides its files; a value, so that tests need no state of
/// the process.
struct Environment {
    std::map<std::string, std::string, std::less<>> variables;
    unsigned uid = 0;  ///< the effective user

    [[nodiscard]] static Environment of_process();

    /// Nothing if the variable is unset or empty.
    [[nodiscard]] std::optional<std::string> variable(std::string_view name) const;
};

}  // namespace postrider::config
