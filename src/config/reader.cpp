#include "config/reader.h"

#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "postrider/base/text.h"

#include "config/scalars.h"

namespace postrider::config {

namespace {

constexpr std::size_t kShownOctets = 64;

/// How a key is shown. In `{user: a, password:secret}` a blank is missing, and the secret is part
/// of a key: nothing behind a colon is shown.
std::string shown_key(std::string_view key) {
    const std::size_t colon = key.find(':');
    if (colon != std::string_view::npos) {
        return escaped(key.substr(0, colon + 1), kShownOctets) + "...";
    }
    return escaped(key, kShownOctets);
}

std::string quoted(std::string_view text) {
    return "'" + escaped(text, kShownOctets) + "'";
}

std::string_view kind_text(Value::Kind kind) {
    switch (kind) {
        case Value::Kind::null:
            return "nothing";
        case Value::Kind::scalar:
            return "text";
        case Value::Kind::list:
            return "a list";
        case Value::Kind::map:
            return "a map of keys";
        case Value::Kind::unusable:
            break;
    }
    return "something unusable";
}

std::string hint(std::string_view word, const std::vector<std::string>& known) {
    if (word.size() > kShownOctets) {
        return {};
    }
    const auto near = nearest(word, known);
    return near ? "; did you mean '" + *near + "'?" : std::string();
}

}  // namespace

SourceFile& Reader::add_file(SourceFile file) {
    files_.push_back(std::move(file));
    return files_.back();
}

Reader::Scope Reader::enter(std::string_view key) {
    const std::size_t length = key_path_.size();
    if (!key_path_.empty()) {
        key_path_ += '.';
    }
    key_path_ += shown_key(key);
    return {*this, length};
}

Reader::Scope Reader::enter(std::size_t index) {
    const std::size_t length = key_path_.size();
    key_path_ += fmt::format("[{}]", index);
    return {*this, length};
}

void Reader::report_in(std::uint32_t file, const Position& position, std::string text) {
    const Place place{files_.at(file).name, position.line, position.column};
    found_.push_back({file, {place, key_path_, std::move(text)}});
}

void Reader::report_file(std::uint32_t file, const Position& position, std::string text) {
    const Place place{files_.at(file).name, position.line, position.column};
    found_.push_back({file, {place, {}, std::move(text)}});
}

void Reader::report(const Value& value, std::string text) {
    report_in(value.file, value.position, std::move(text));
}

void Reader::report(const Entry& entry, std::string text) {
    report_in(entry.value.file, entry.position, std::move(text));
}

void Reader::report_unknown(const Entry& entry, const std::vector<std::string>& known) {
    if (entry.key.find(':') != std::string::npos) {
        report(entry, "unknown key; is a blank missing behind the colon?");
        return;
    }
    report(entry, "unknown key" + hint(entry.key, known));
}

Place Reader::place_of(const Value& value) const {
    return {file_of(value).name, value.position.line, value.position.column};
}

Place Reader::place_of(const Entry& entry) const {
    return {file_of(entry.value).name, entry.position.line, entry.position.column};
}

bool Reader::expect_map(const Value& value) {
    if (value.kind != Value::Kind::map && value.kind != Value::Kind::unusable) {
        report(value, fmt::format("must be a map of keys, not {}", kind_text(value.kind)));
    }
    return value.kind == Value::Kind::map;
}

bool Reader::expect_list(const Value& value) {
    if (value.kind != Value::Kind::list && value.kind != Value::Kind::unusable) {
        report(value, fmt::format("must be a list, not {}", kind_text(value.kind)));
    }
    return value.kind == Value::Kind::list;
}

std::optional<std::string_view> Reader::scalar(const Value& value) {
    if (value.kind == Value::Kind::scalar) {
        return value.text.reveal();
    }
    if (value.kind != Value::Kind::unusable) {
        report(value, fmt::format("must be a single value, not {}", kind_text(value.kind)));
    }
    return std::nullopt;
}

void Reader::text(const Value& value, std::string& into) {
    const auto text = scalar(value);
    if (text && text->empty()) {
        report(value, "must not be empty");
    } else if (text) {
        into = *text;
    }
}

void Reader::path(const Value& value, std::string& into) {
    std::string text_value;
    text(value, text_value);
    if (text_value.find('\0') != std::string::npos) {
        report(value, "a path cannot hold a NUL");
    } else if (!text_value.empty()) {
        into = (file_of(value).directory / text_value).lexically_normal().string();
    }
}

void Reader::boolean(const Value& value, bool& into) {
    constexpr std::array<Choice<bool>, 2> kWords = {{{"true", true}, {"false", false}}};
    read_choice(*this, value, kWords, into);
}

std::optional<std::uint64_t> Reader::number(const Value& value, std::uint64_t lowest,
                                            std::uint64_t highest) {
    const auto text = scalar(value);
    if (!text) {
        return std::nullopt;
    }
    const auto number = parse_unsigned(*text);
    if (!number || *number < lowest || *number > highest) {
        report(value, fmt::format("{} is not a whole number from {} to {}", quoted(*text), lowest,
                                  highest));
        return std::nullopt;
    }
    return number;
}

std::optional<std::uint64_t> Reader::size(const Value& value) {
    const auto text = scalar(value);
    if (!text) {
        return std::nullopt;
    }
    const auto size = parse_size(*text);
    if (!size) {
        report(value, fmt::format("{} is not a size such as 64kB, 4MB or 256MiB", quoted(*text)));
    }
    return size;
}

std::optional<Duration> Reader::duration(const Value& value, Duration lowest, Duration highest) {
    const auto text = scalar(value);
    if (!text) {
        return std::nullopt;
    }
    const auto duration = parse_duration(*text);
    if (!duration) {
        report(value,
               fmt::format("{} is not a duration such as 30s, 5m, 1h30m or 14d", quoted(*text)));
        return std::nullopt;
    }
    if (*duration < lowest || *duration > highest) {
        report(value, fmt::format("{} is not from {} to {}", quoted(*text), to_text(lowest),
                                  to_text(highest)));
        return std::nullopt;
    }
    return duration;
}

void Reader::report_unknown_word(const Value& value, const std::vector<std::string>& known) {
    const std::string_view word = value.text.reveal();
    report(value, fmt::format("{} is none of: {}{}", quoted(word), fmt::join(known, ", "),
                              hint(word, known)));
}

std::vector<Problem> Reader::take_problems() {
    const auto order = [](const Found& f) {
        return std::tuple(f.file, f.problem.place.line, f.problem.place.column);
    };
    std::stable_sort(found_.begin(), found_.end(),
                     [&order](const Found& a, const Found& b) { return order(a) < order(b); });
    std::vector<Problem> problems;
    problems.reserve(found_.size());
    for (Found& found : found_) {
        problems.push_back(std::move(found.problem));
    }
    found_.clear();
    return problems;
}

}  // namespace postrider::config
