#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Byte-wise text helpers: ASCII only, no locale, no allocation where none is needed.
namespace postrider {

/// The one escaper: every remote byte that is logged or shown passes it. Printable ASCII stays, a
/// backslash is doubled, everything else becomes \xNN; cut at `max` source bytes, then "..."
/// follows.
[[nodiscard]] std::string escaped(std::string_view bytes, std::size_t max = 256);

/// What escaped() was given, if it cut nothing; nothing if that cannot have written `text`.
[[nodiscard]] std::optional<std::string> unescaped(std::string_view text);

/// Case-insensitive comparison of ASCII letters; other bytes compare as they are.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);

/// Case-insensitive: does `text` begin with `prefix`?
[[nodiscard]] bool istarts_with(std::string_view text, std::string_view prefix);

[[nodiscard]] std::string to_lower(std::string_view text);

/// Without leading and trailing SP, TAB, CR, LF.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The next token separated by runs of SP or TAB; `text` keeps what follows. Empty at the end.
[[nodiscard]] std::string_view next_word(std::string_view& text);

/// Decimal digits only, the whole of `text`, no sign; nothing if it is no number or overflows.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text);

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);

/// "1 message", "3 messages".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun);

/// "512 B", "4.2 KiB", "95.0 MiB": for people.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// The entry of `known` nearest to `word` by edit distance, if near enough to be a likely slip.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace postrider
