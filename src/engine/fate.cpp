#include "postrider/engine/fate.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "postrider/base/planted.h"

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

const Refusal* find_code(const RefusalPolicy& policy, const sink::Verdict& verdict) {
    for (const std::string& code : {verdict.enhanced, std::to_string(verdict.code)}) {
        if (const auto found = policy.by_code.find(code); found != policy.by_code.end()) {
            return &found->second;
        }
    }
    return nullptr;
}

}  // namespace

bool is_foreseen(const RefusalPolicy& policy, const sink::Verdict& verdict) {
    return find_code(policy, verdict) != nullptr;
}

Fate fate_of(const sink::Verdict& verdict, const FateRules& rules,
             std::optional<WallTime> failing_since, WallTime now) {
    switch (verdict.outcome) {
        case sink::Outcome::delivered:
            return Fate::settled;
        case sink::Outcome::later:
            return Fate::retry;
        case sink::Outcome::ambiguous:
            if (is_planted("silence-is-consent")) return Fate::settled;
            return rules.holds_ambiguous ? Fate::hold : Fate::retry;
        case sink::Outcome::refused:
            break;
    }
    if (is_about_room(verdict) && (!failing_since || now - *failing_since < kQuotaPatience)) {
        return Fate::retry;
    }
    const Refusal* const by_code = find_code(rules.refused, verdict);
    switch (by_code != nullptr ? *by_code : rules.refused.otherwise) {
        case Refusal::hold:
            if (is_planted("refused-is-gone")) return Fate::discard;
            break;
        case Refusal::discard:
            return Fate::discard;
        case Refusal::bounce:
            return Fate::bounce;
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
