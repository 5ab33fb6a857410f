#include "postrider/engine/fate.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "postrider/engine/policy.h"

namespace postrider::engine {

namespace {

/// RFC 3463: mailbox full, message too long for the mailbox, message too big for the system. A
/// person can make room, so patience pays.
bool is_about_room(const sink::Verdict& verdict) {
    constexpr std::array<std::string_view, 3> kDetails = {".2.2", ".2.3", ".3.4"};
    return verdict.code == 552 ||
           std::any_of(kDetails.begin(), kDetails.end(), [&](std::string_view detail) {
               return verdict.enhanced.size() == detail.size() + 1 &&
                      verdict.enhanced.ends_with(detail);
           });
}

}  // namespace

Fate fate_of(const sink::Verdict& verdict, std::optional<WallTime> failing_since, WallTime now) {
    switch (verdict.outcome) {
        case sink::Outcome::delivered:
            return Fate::settled;
        case sink::Outcome::later:
        case sink::Outcome::ambiguous:
            return Fate::retry;
        case sink::Outcome::refused:
            break;
    }
    if (is_about_room(verdict) && (!failing_since || now - *failing_since < kQuotaPatience)) {
        return Fate::retry;
    }
    return Fate::hold;
}

std::string in_words(const sink::Verdict& verdict) {
    if (verdict.code == 0) {
        return verdict.text;
    }
    return fmt::format("{}{}{} {}", verdict.code, verdict.enhanced.empty() ? "" : " ",
                       verdict.enhanced, verdict.text);
}

}  // namespace postrider::engine
