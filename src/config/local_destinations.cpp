#include "config/local_destinations.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "postrider/mail/places.h"

#include "config/destinations.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<mail::LineEnds>, 2> kLineEnds = {{
    {"lf", mail::LineEnds::lf},
    {"crlf", mail::LineEnds::crlf},
}};

constexpr std::array<std::string_view, 3> kMaildirKeys = {"type", "path", "line_ends"};
constexpr std::array<std::string_view, 6> kCommandKeys = {"type",      "argv",    "environment",
                                                          "processes", "timeout", "line_ends"};

bool read_pattern(Reader& reader, const Value& value, std::string_view text, Pattern& into) {
    auto pattern = Pattern::parse(text, mail::delivery_places());
    if (!pattern) {
        reader.report(value, pattern.error().text);
        return false;
    }
    into = std::move(*pattern);
    return true;
}

/// "HOME", "HOME=/var/mail": a name of letters, digits and underscores, and its value.
bool is_variable(std::string_view text) {
    const std::string_view name = text.substr(0, text.find('='));
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && !is_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [&is_digit](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
           });
}

std::string_view word_of(DestinationType type) {
    switch (type) {
        case DestinationType::smtp:
            return "smtp";
        case DestinationType::lmtp:
            return "lmtp";
        case DestinationType::maildir:
            return "maildir";
        case DestinationType::command:
            return "command";
    }
    return "";
}

template <std::size_t N>
bool has(const std::array<std::string_view, N>& keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_for(DestinationType type, std::string_view key) {
    switch (type) {
        case DestinationType::maildir:
            return has(kMaildirKeys, key);
        case DestinationType::command:
            return has(kCommandKeys, key);
        case DestinationType::smtp:
        case DestinationType::lmtp:
            break;
    }
    return key == "type" || !(has(kMaildirKeys, key) || has(kCommandKeys, key));
}

}  // namespace

void read_maildir_path(Reader& reader, const Value& value, DestinationConfig& into) {
    std::string path;
    reader.path(value, path);
    if (!path.empty()) {
        static_cast<void>(read_pattern(reader, value, path, into.path));
    }
}

void read_argv(Reader& reader, const Value& value, DestinationConfig& into) {
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs a program");
        return;
    }
    into.argv.assign(value.items.size(), Pattern());
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        const auto word = reader.scalar(value.items[i]);
        Pattern& argument = into.argv[i];
        if (word && read_pattern(reader, value.items[i], *word, argument) && i == 0 &&
            (argument.has_places() || argument.fixed_start().empty())) {
            reader.report(value.items[i], "must name the program as it is, without {...}");
        }
    }
}

void read_command_environment(Reader& reader, const Value& value, DestinationConfig& into) {
    if (!reader.expect_list(value)) {
        return;
    }
    into.environment.clear();
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        const auto word = reader.scalar(value.items[i]);
        if (word && !is_variable(*word)) {
            reader.report(value.items[i], "must be the name of a variable, or NAME=value");
        } else if (word) {
            into.environment.emplace_back(*word);
        }
    }
}

void read_line_ends(Reader& reader, const Value& value, DestinationConfig& into) {
    read_choice(reader, value, kLineEnds, into.line_ends);
}

void check_keys_of_type(Reader& reader, const Entry& entry, const DestinationConfig& destination) {
    const DestinationType type = destination.type;
    const std::vector<std::string> known = names_of(destination_keys());
    for (const Entry& key : entry.value.entries) {
        // What is no key at all was told already.
        const bool is_known = std::find(known.begin(), known.end(), key.key) != known.end();
        if (is_known && !is_for(type, key.key)) {
            const Reader::Scope scope = reader.enter(key.key);
            reader.report(key, fmt::format("is not for type: {}", word_of(type)));
        }
    }
    if (type == DestinationType::maildir && entry.value.find("path") == nullptr) {
        reader.report(entry, "needs path");
    }
    if (type == DestinationType::command && entry.value.find("argv") == nullptr) {
        reader.report(entry, "needs argv");
    }
}

}  // namespace postrider::config
