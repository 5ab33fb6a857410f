#include "postrider/config/environment.h"

#include <unistd.h>

namespace postrider::config {

Environment Environment::of_process() {
    Environment result;
    result.uid = ::geteuid();
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
            result.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return result;
}

std::optional<std::string> Environment::variable(std::string_view name) const {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) {
        return std::nullopt;
    }
    return found->second;
}

}  // namespace postrider::config
