#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"

namespace postrider {

/// A text with places to fill in: "/srv/mail/{account}". Which names may stand between the braces
/// is checked when it is parsed, so that filling in cannot fail. "{{" and "}}" are braces.
class Pattern {
  public:
    /// Errors: config; the text says what is wrong and which names there are.
    [[nodiscard]] static Expected<Pattern> parse(std::string_view text,
                                                 const std::vector<std::string>& names);

    /// `value_of` is asked for each place, in order.
    [[nodiscard]] std::string filled(
        const std::function<std::string(std::string_view name)>& value_of) const;

    [[nodiscard]] bool has_places() const { return places_.size() > 1; }
    [[nodiscard]] bool has_place(std::string_view name) const;

    /// What stands before the first place; all of it if there is none.
    [[nodiscard]] const std::string& fixed_start() const { return places_.front().before; }

    bool operator==(const Pattern&) const = default;

  private:
    struct Place {
        std::string before;
        std::string name;  ///< empty: the last one, which only has a text before it
        bool operator==(const Place&) const = default;
    };
    std::vector<Place> places_ = {{}};
};

}  // namespace postrider
