#include "postrider/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

namespace postrider {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool is_space(char c) {
    return is_blank(c) || c == '\r' || c == '\n';
}

/// Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

}  // namespace

std::string escaped(std::string_view bytes, std::size_t max) {
    std::string out;
    const std::string_view shown = bytes.substr(0, max);
    out.reserve(shown.size());
    for (const char c : shown) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '\\') {
            out += "\\\\";
        } else if (octet >= 0x20 && octet < 0x7f) {
            out += c;
        } else {
            out += "\\x";
            out += kHexDigits[octet >> 4U];
            out += kHexDigits[octet & 0xfU];
        }
    }
    if (shown.size() < bytes.size()) {
        out += "...";
    }
    return out;
}

std::optional<std::string> unescaped(std::string_view text) {
    std::string bytes;
    while (!text.empty()) {
        std::size_t taken = 1;
        char byte = text.front();
        if (byte == '\\' && text.substr(1, 1) == "x") {
            const std::string_view digits = text.substr(2, 2);
            unsigned value = 0;
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
            if (error != std::errc() || end != digits.data() + 2) {
                return std::nullopt;
            }
            byte = static_cast<char>(static_cast<unsigned char>(value));
            taken = 4;
        } else if (byte == '\\') {
            if (text.substr(1, 1) != "\\") {
                return std::nullopt;
            }
            taken = 2;
        }
        bytes += byte;
        text.remove_prefix(taken);
    }
    return bytes;
}

bool iequals(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool istarts_with(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string_view next_word(std::string_view& text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    const auto* const end = std::find_if(text.begin(), text.end(), is_blank);
    const auto length = static_cast<std::size_t>(end - text.begin());
    const std::string_view word = text.substr(0, length);
    text.remove_prefix(length);
    return word;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || stopped != end) {
        return std::nullopt;
    }
    return number;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        out += kHexDigits[byte >> 4U];
        out += kHexDigits[byte & 0xfU];
    }
    return out;
}

std::string counted(std::uint64_t n, std::string_view noun) {
    return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
    // A slip is a third of the word at most: "hots" finds "host", "x" finds nothing.
    const std::size_t tolerance = std::max<std::size_t>(1, word.size() / 3);
    std::optional<std::string> best;
    std::size_t best_distance = tolerance + 1;
    for (const std::string& candidate : known) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < candidate.size()) {
            best_distance = distance;
            best = candidate;
        }
    }
    // Two letters swapped count as two edits, yet are one slip.
    if (!best && word.size() >= 4) {
        for (const std::string& candidate : known) {
            if (candidate.size() == word.size() && edit_distance(word, candidate) == 2 &&
                std::is_permutation(word.begin(), word.end(), candidate.begin())) {
                return candidate;
            }
        }
    }
    return best;
}

}  // namespace postrider
