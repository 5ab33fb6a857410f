#include "postrider/base/pattern.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "postrider/base/text.h"

namespace postrider {

namespace {

tl::unexpected<Error> wrong(std::string text) {
    return failure(Errc::config, Retry::never, std::move(text));
}

std::string unknown_name(std::string_view name, const std::vector<std::string>& names) {
    const auto meant = nearest(name, names);
    return fmt::format("{{{}}} is not known; {}", escaped(name, 64),
                       meant ? fmt::format("did you mean {{{}}}?", *meant)
                             : fmt::format("there are {{{}}}", fmt::join(names, "}, {")));
}

}  // namespace

Expected<Pattern> Pattern::parse(std::string_view text, const std::vector<std::string>& names) {
    Pattern pattern;
    while (!text.empty()) {
        const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
        pattern.places_.back().before += text.substr(0, brace);
        text.remove_prefix(brace);
        if (text.empty()) {
            break;
        }
        if (text.starts_with("{{") || text.starts_with("}}")) {
            pattern.places_.back().before += text.front();
            text.remove_prefix(2);
            continue;
        }
        const std::size_t end = text.find('}');
        if (text.front() == '}' || end == std::string_view::npos) {
            return wrong("has a brace without its other half; write {{ or }} for a brace");
        }
        const std::string_view name = text.substr(1, end - 1);
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            return wrong(unknown_name(name, names));
        }
        pattern.places_.back().name = name;
        pattern.places_.emplace_back();
        text.remove_prefix(end + 1);
    }
    return pattern;
}

std::string Pattern::filled(
    const std::function<std::string(std::string_view name)>& value_of) const {
    std::string text;
    for (const Place& place : places_) {
        text += place.before;
        if (!place.name.empty()) {
            text += value_of(place.name);
        }
    }
    return text;
}

bool Pattern::has_place(std::string_view name) const {
    return std::any_of(places_.begin(), places_.end(),
                       [name](const Place& place) { return place.name == name; });
}

}  // namespace postrider
