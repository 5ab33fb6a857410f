#include "engine/quirks.h"

#include <array>
#include <string>

namespace postrider::engine {

namespace {

struct Name {
    const char* text;
    bool source::Quirks::*flag;
};

constexpr std::array<Name, 2> kNames = {{
    {"no-capa", &source::Quirks::no_capa},
    {"no-pipelining", &source::Quirks::no_pipelining},
}};

constexpr const char* kLogin = "login-delay";

/// A clock that was set back must not make a quirk eternal.
bool is_believed(WallTime until, WallTime now) {
    return now < until && until - now <= kQuirkBelieved;
}

}  // namespace

source::Quirks quirks_of(const store::AccountState& state, WallTime now) {
    source::Quirks quirks;
    for (const Name& name : kNames) {
        const auto found = state.quirks.find(name.text);
        quirks.*name.flag = found != state.quirks.end() && is_believed(found->second, now);
    }
    return quirks;
}

store::AccountState with_quirks(store::AccountState state, const source::Quirks& quirks,
                                WallTime now) {
    std::erase_if(state.quirks,
                  [now](const auto& quirk) { return !is_believed(quirk.second, now); });
    for (const Name& name : kNames) {
        if (quirks.*name.flag) {
            state.quirks.emplace(
                name.text, now + std::chrono::duration_cast<WallTime::duration>(kQuirkBelieved));
        }
    }
    return state;
}

std::map<std::string, WallTime> learned(const store::AccountState& state, WallTime now) {
    std::map<std::string, WallTime> believed;
    for (const Name& name : kNames) {
        const auto found = state.quirks.find(name.text);
        if (found != state.quirks.end() && is_believed(found->second, now)) {
            believed.insert(*found);
        }
    }
    return believed;
}

std::optional<WallTime> no_login_before(const store::AccountState& state, WallTime now) {
    const auto found = state.quirks.find(kLogin);
    const bool is_near = found != state.quirks.end() && is_believed(found->second, now);
    return is_near ? std::optional(found->second) : std::nullopt;
}

store::AccountState with_login(store::AccountState state, Duration login_delay, WallTime now) {
    state.quirks[kLogin] = now + std::chrono::ceil<WallTime::duration>(login_delay);
    return state;
}

}  // namespace postrider::engine
