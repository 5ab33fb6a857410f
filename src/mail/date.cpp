#include "postrider/mail/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "postrider/base/text.h"

#include "mail/head_fields.h"

namespace postrider::mail {
namespace {

/// Of a field no more than this is looked at.
constexpr std::size_t kDateLimit = 1024;

/// A date is words between blanks; comments, commas and line ends separate like blanks.
std::string as_words(std::string_view text) {
    std::string words;
    std::size_t depth = 0;
    for (const char c : text.substr(0, kDateLimit)) {
        if (c == '(') {
            ++depth;
        } else if (c == ')' && depth > 0) {
            --depth;
        }
        const bool separates = depth > 0 || c == ')' || c == ',' || c == '\r' || c == '\n';
        words += separates ? ' ' : c;
    }
    return words;
}

/// `digits` of at least `least` and at most `most` characters.
std::optional<int> number(std::string_view digits, std::size_t least, std::size_t most) {
    if (digits.size() < least || digits.size() > most) return std::nullopt;
    const auto value = parse_unsigned(digits);
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

std::optional<unsigned> month_of(std::string_view word) {
    constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
    const auto found = std::find(kMonths.begin(), kMonths.end(), to_lower(word.substr(0, 3)));
    if (found == kMonths.end()) return std::nullopt;
    return static_cast<unsigned>(found - kMonths.begin()) + 1;
}

/// RFC 5322 section 4.3: years of two and three digits.
std::optional<int> year_of(std::string_view word) {
    const auto year = number(word, 2, 4);
    if (!year || word.size() == 4) return year;
    return word.size() == 2 && *year < 50 ? *year + 2000 : *year + 1900;
}

std::optional<std::chrono::seconds> time_of(std::string_view word) {
    std::array<int, 3> parts{};
    for (std::size_t i = 0; i < parts.size() && !word.empty(); ++i) {
        const std::size_t colon = std::min(word.find(':'), word.size());
        const auto part = number(word.substr(0, colon), 1, 2);
        if (!part) return std::nullopt;
        parts.at(i) = *part;
        word.remove_prefix(std::min(colon + 1, word.size()));
    }
    if (!word.empty() || parts[0] > 23 || parts[1] > 59 || parts[2] > 60) return std::nullopt;
    return std::chrono::hours(parts[0]) + std::chrono::minutes(parts[1]) +
           std::chrono::seconds(parts[2]);
}

/// East of Greenwich; what is unknown counts as UTC (RFC 5322 section 4.3).
std::chrono::minutes zone_of(std::string_view word) {
    if (word.size() == 5 && (word[0] == '+' || word[0] == '-')) {
        const auto hours = number(word.substr(1, 2), 2, 2);
        const auto minutes = number(word.substr(3, 2), 2, 2);
        if (hours && minutes) {
            const std::chrono::minutes east(*hours * 60 + *minutes);
            return word[0] == '-' ? -east : east;
        }
    }
    struct Zone {
        std::string_view name;
        int hours;
    };
    constexpr std::array<Zone, 8> kZones{{{"EST", -5},
                                          {"EDT", -4},
                                          {"CST", -6},
                                          {"CDT", -5},
                                          {"MST", -7},
                                          {"MDT", -6},
                                          {"PST", -8},
                                          {"PDT", -7}}};
    const auto found = std::find_if(kZones.begin(), kZones.end(),
                                    [word](const Zone& zone) { return iequals(zone.name, word); });
    return std::chrono::hours(found == kZones.end() ? 0 : found->hours);
}

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
    const std::string words = as_words(text);
    std::string_view rest = words;
    std::string_view word = next_word(rest);
    if (word.size() == 3 && !number(word, 1, 3)) word = next_word(rest);  // the day of the week
    const auto day = number(word, 1, 2);
    const auto month = month_of(next_word(rest));
    const auto year = year_of(next_word(rest));
    const auto time = time_of(next_word(rest));
    if (!day || !month || !year || !time) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return WallTime(std::chrono::sys_days(date)) + *time - zone_of(next_word(rest));
}

std::optional<WallTime> received_date(std::string_view head) {
    std::optional<WallTime> date;
    while (!head.empty()) {
        const std::optional<HeadField> field = take_field(head);
        if (!field) break;
        if (iequals(field->name, "Received")) {
            const std::size_t semicolon = field->value.rfind(';');
            if (semicolon == std::string_view::npos) continue;
            if (const auto received = parse_date(field->value.substr(semicolon + 1))) {
                return received;
            }
        } else if (iequals(field->name, "Date") && !date) {
            date = parse_date(field->value);
        }
    }
    return date;
}

}  // namespace postrider::mail
