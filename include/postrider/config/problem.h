#pragma once

#include <cstdint>
#include <string>

namespace postrider::config {

/// Where something stands in a configuration file, as an editor counts: from 1. Line 0: the file
/// as a whole.
struct Place {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    bool operator==(const Place&) const = default;
};

/// One fault of the configuration, told so that a person can go there and mend it. Never holds a
/// secret: values that might be one are not quoted.
struct Problem {
    Place place;
    std::string key_path;  ///< "accounts.alice.tls"; empty: no key in particular
    std::string text;

    /// "postrider.yaml:12:10: accounts.alice.tls: <text>".
    [[nodiscard]] std::string to_text() const;
};

}  // namespace postrider::config
