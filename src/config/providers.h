#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

// What etc/providers.yaml says: it is built into the program.
namespace postrider::config {

struct Provider {
    std::string name;
    std::vector<Entry> keys;         ///< as an account would have them
    std::vector<std::string> hosts;  ///< other POP3 hosts of it
    std::string advice;              ///< one line for a refused login; may be empty
    std::string no_pop3;             ///< why it cannot be used; may be empty
};

[[nodiscard]] const std::vector<Provider>& providers();

/// The provider of that name, or nothing.
[[nodiscard]] const Provider* find_provider(std::string_view name);
[[nodiscard]] std::vector<std::string> provider_names();

/// What the provider with that POP3 host advises; empty if it is none of ours.
[[nodiscard]] std::string advice_for_host(std::string_view host);

/// The text of the file.
[[nodiscard]] std::string_view providers_text();

/// As the text says; what it says wrong is left out. For providers(), and for its tests.
[[nodiscard]] std::vector<Provider> parse_providers(std::string_view text);

}  // namespace postrider::config
