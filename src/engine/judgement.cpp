#include "engine/judgement.h"

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/planted.h"
#include "postrider/engine/policy.h"

namespace postrider::engine {

namespace {

/// What such a destination refuses says nothing of the message.
bool is_misconfigured(const sink::DeliveryReport& report) {
    return report.fault && report.fault->retry == Retry::never;
}

Fate fate_in_report(const sink::Verdict& verdict, const sink::DeliveryReport& report,
                    const JudgementRules& rules, WallTime now) {
    if (verdict.outcome == sink::Outcome::refused && is_misconfigured(report)) {
        return Fate::retry;
    }
    return fate_of(verdict, rules.fate, rules.failing_since, now);
}

}  // namespace

Judgement judge(const sink::DeliveryReport& report, const std::vector<mail::Address>& recipients,
                const JudgementRules& rules, WallTime now) {
    POSTRIDER_ASSERT(report.verdicts.size() == recipients.size());
    Judgement judgement;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        Refused one{recipients[i], report.verdicts[is_planted("one-for-all") ? 0 : i]};
        Fate fate = fate_in_report(one.verdict, report, rules, now);
        if (fate == Fate::retry && report.hung_up && rules.failures >= kPoisonAfter) {
            // Like poison on the fetching side: it shall not hold up the others for ever.
            fate = Fate::hold;
            one.verdict.text =
                fmt::format("the destination lost the connection over it {} times in a row: {}",
                            rules.failures, in_words(one.verdict));
            one.verdict.code = 0;
        }
        switch (fate) {
            case Fate::settled:
                judgement.note = in_words(one.verdict);
                judgement.delivered.push_back(std::move(one.recipient));
                break;
            case Fate::discard:
                judgement.note = "discarded: " + in_words(one.verdict);
                judgement.discarded.push_back(std::move(one.recipient));
                break;
            case Fate::hold:
                judgement.hold_reason = in_words(one);
                judgement.held.push_back(std::move(one));
                break;
            case Fate::bounce:
                judgement.bounced.push_back(std::move(one));
                break;
            case Fate::retry:
                judgement.put_off = in_words(one);
                judgement.lacks_room =
                    judgement.lacks_room ||
                    (one.verdict.outcome == sink::Outcome::refused && !is_misconfigured(report));
                break;
        }
    }
    return judgement;
}

std::string in_words(const Refused& refused) {
    return refused.recipient.text() + ": " + in_words(refused.verdict);
}

}  // namespace postrider::engine
