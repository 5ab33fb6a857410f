#include "app/alerts/alarm.h"

namespace postrider::app {

void Alarm::see(const Subject& subject, const std::optional<std::string>& trouble,
                bool needs_attention, WallTime now) {
    const auto known = states_.find(subject);
    if (known == states_.end() && !trouble) {
        return;
    }
    State& state = known == states_.end() ? states_[subject] : known->second;
    if (known == states_.end() || state.is_troubled != trouble.has_value()) {
        state.is_troubled = trouble.has_value();
        state.since = now;
    }
    state.needs_attention = trouble && needs_attention;
    if (trouble) {
        state.text = *trouble;
    } else if (!state.is_told) {
        states_.erase(subject);  // over before it was worth a word
    }
}

void Alarm::forget(const Subject& subject) {
    states_.erase(subject);
}

std::vector<Alert> Alarm::due(WallTime now) {
    std::vector<Alert> alerts;
    for (auto one = states_.begin(); one != states_.end();) {
        State& state = one->second;
        const bool has_lasted = now - state.since >= after_;
        if (state.is_troubled && !state.is_told && (has_lasted || state.needs_attention)) {
            state.is_told = true;
            alerts.push_back({one->first, false, state.since, state.text});
        } else if (!state.is_troubled && has_lasted) {
            alerts.push_back({one->first, true, state.since, state.text});
            one = states_.erase(one);
            continue;
        }
        ++one;
    }
    return alerts;
}

void Alarm::untell(const Alert& alert) {
    State& state = states_[alert.about];
    if (alert.is_recovery) {
        if (!state.is_troubled) {
            state = {false, false, true, alert.since, alert.text};
        } else {
            state.is_told = true;  // it was, and is again
        }
        return;
    }
    state.is_told = false;
}

}  // namespace postrider::app
