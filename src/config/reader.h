#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/config/problem.h"

#include "config/document.h"
#include "config/file.h"

namespace postrider::config {

/// One file that takes part in the configuration.
struct SourceFile {
    std::string name;                 ///< as problems call it
    std::filesystem::path directory;  ///< absolute: relative paths in the file start there
    FileFacts facts;
    Value root;
};

/// Typed access to values, and the list of everything that was wrong with them. A value that does
/// not fit is told and leaves its target as it was, so that reading goes on to the next fault.
/// Knows at which key the reading is: enter() goes one key down for the life of the scope.
class Reader {
  public:
    class Scope {
      public:
        Scope(Reader& reader, std::size_t length) : reader_(reader), length_(length) {}
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        ~Scope() { reader_.key_path_.resize(length_); }

      private:
        Reader& reader_;
        std::size_t length_;  ///< of the key path before this scope
    };

    /// The index of the added file is the one for its values.
    SourceFile& add_file(SourceFile file);
    [[nodiscard]] const std::deque<SourceFile>& files() const { return files_; }
    [[nodiscard]] const SourceFile& file_of(const Value& value) const {
        return files_.at(value.file);
    }

    [[nodiscard]] Scope enter(std::string_view key);
    [[nodiscard]] Scope enter(std::size_t index);

    void report_in(std::uint32_t file, const Position& position, std::string text);
    /// Of no key, but of the file as such.
    void report_file(std::uint32_t file, const Position& position, std::string text);
    void report(const Value& value, std::string text);
    /// At the key rather than at its value.
    void report(const Entry& entry, std::string text);
    void report_unknown(const Entry& entry, const std::vector<std::string>& known);

    [[nodiscard]] Place place_of(const Value& value) const;
    [[nodiscard]] Place place_of(const Entry& entry) const;

    // Each tells what is wrong with the value, or takes it over.
    [[nodiscard]] bool expect_map(const Value& value);
    [[nodiscard]] bool expect_list(const Value& value);
    /// Nothing if it was no scalar; points into the value.
    [[nodiscard]] std::optional<std::string_view> scalar(const Value& value);
    void text(const Value& value, std::string& into);
    /// Relative to the directory of the file.
    void path(const Value& value, std::string& into);
    void boolean(const Value& value, bool& into);
    [[nodiscard]] std::optional<std::uint64_t> number(const Value& value, std::uint64_t lowest,
                                                      std::uint64_t highest);
    [[nodiscard]] std::optional<std::uint64_t> size(const Value& value);
    [[nodiscard]] std::optional<Duration> duration(const Value& value, Duration lowest,
                                                   Duration highest);
    /// Tells that the scalar is none of the words that can stand here.
    void report_unknown_word(const Value& value, const std::vector<std::string>& known);

    /// By file, line and column; the reader is spent.
    [[nodiscard]] std::vector<Problem> take_problems();

  private:
    struct Found {
        std::uint32_t file;
        Problem problem;
    };

    std::deque<SourceFile> files_;  // values are referred to while files are added
    std::vector<Found> found_;
    std::string key_path_;
};

inline constexpr std::string_view kNotAvailable = "not available in this version";

/// A word of the configuration and what it means; nothing: known, yet not available in this
/// version.
template <class T>
struct Choice {
    std::string_view word;
    std::optional<T> value;
};

template <class T, std::size_t N>
void read_choice(Reader& reader, const Value& value, const std::array<Choice<T>, N>& choices,
                 T& into) {
    const auto word = reader.scalar(value);
    if (!word) {
        return;
    }
    std::vector<std::string> known;
    for (const Choice<T>& choice : choices) {
        if (choice.word == *word && choice.value) {
            into = *choice.value;
            return;
        }
        if (choice.word == *word) {
            reader.report(value, "'" + std::string(*word) + "' is " + std::string(kNotAvailable));
            return;
        }
        if (choice.value) {
            known.emplace_back(choice.word);
        }
    }
    reader.report_unknown_word(value, known);
}

/// A key of a section and who reads its value into T. Without a reader: known, yet not available in
/// this version. These tables are the only list of keys there is.
template <class T>
struct Key {
    std::string_view name;
    void (*read)(Reader&, const Value&, T&);
};

template <class T>
using Keys = std::span<const Key<T>>;

/// The names of a table: those that can be used, or all.
template <class T>
[[nodiscard]] std::vector<std::string> names_of(Keys<T> keys, bool with_unavailable = false) {
    std::vector<std::string> names;
    for (const Key<T>& key : keys) {
        if (key.read != nullptr || with_unavailable) {
            names.emplace_back(key.name);
        }
    }
    return names;
}

/// Reads one entry of a section by its table.
template <class T>
void read_entry(Reader& reader, const Entry& entry, Keys<T> keys, T& into) {
    const Reader::Scope scope = reader.enter(entry.key);
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&entry](const Key<T>& k) { return k.name == entry.key; });
    if (key == keys.end()) {
        reader.report_unknown(entry, names_of(keys));
    } else if (entry.earlier) {
        reader.report(entry, "stands here a second time; the first is in line " +
                                 std::to_string(entry.earlier->line));
    } else if (key->read == nullptr) {
        reader.report(entry, std::string(kNotAvailable));
    } else {
        key->read(reader, entry.value, into);
    }
}

/// Reads a whole section by its table.
template <class T>
void read_section(Reader& reader, const Value& section, Keys<T> keys, T& into) {
    if (!reader.expect_map(section)) {
        return;
    }
    for (const Entry& entry : section.entries) {
        read_entry(reader, entry, keys, into);
    }
}

// Readers for tables: the value goes into one member of T.

template <auto kMember, class T>
void read_text(Reader& reader, const Value& value, T& into) {
    reader.text(value, into.*kMember);
}

template <auto kMember, class T>
void read_path(Reader& reader, const Value& value, T& into) {
    reader.path(value, into.*kMember);
}

template <auto kMember, class T>
void read_boolean(Reader& reader, const Value& value, T& into) {
    reader.boolean(value, into.*kMember);
}

template <auto kMember, std::uint64_t kLowest, std::uint64_t kHighest, class T>
void read_number(Reader& reader, const Value& value, T& into) {
    using Number = std::remove_reference_t<decltype(into.*kMember)>;
    static_assert(kHighest <= std::numeric_limits<Number>::max());
    if (const auto number = reader.number(value, kLowest, kHighest)) {
        into.*kMember = static_cast<Number>(*number);
    }
}

/// A deadline; none may be off, and none so long that it is no deadline.
template <auto kMember, class T>
void read_deadline(Reader& reader, const Value& value, T& into) {
    constexpr Duration kShortest = std::chrono::milliseconds(1);
    constexpr Duration kLongest = std::chrono::hours(24);
    if (const auto duration = reader.duration(value, kShortest, kLongest)) {
        into.*kMember = *duration;
    }
}

}  // namespace postrider::config
