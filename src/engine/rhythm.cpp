#include "postrider/engine/rhythm.h"

#include <algorithm>

#include "postrider/engine/jitter.h"

namespace postrider::engine {

namespace {

constexpr Duration kDay = std::chrono::hours(24);

/// Two polls of one account never follow closer, however long they take.
constexpr Duration kBreath = std::chrono::seconds(1);

/// How much a newly seen gap between messages counts of the mean.
constexpr double kWeightOfNew = 0.3;

/// `first`, doubled for every further one in a row, up to `longest`.
Duration doubled(Duration first, std::uint32_t count, Duration longest) {
    constexpr std::uint32_t kEnough = 20;
    return std::min(first * (std::int64_t{1} << std::min(count - 1, kEnough)), longest);
}

}  // namespace

Duration ActiveHours::wait_at(Duration time_of_day) const {
    const bool is_active = from <= to ? time_of_day >= from && time_of_day < to
                                      : time_of_day >= from || time_of_day < to;
    if (is_active) {
        return Duration::zero();
    }
    return time_of_day <= from ? from - time_of_day : from + kDay - time_of_day;
}

Duration Rhythm::least(const Pacing& pacing) const {
    return std::max(pacing.at_least, login_delay_);
}

Duration Rhythm::interval(const Pacing& pacing) const {
    Duration wanted = pacing.interval;
    if (pacing.most > pacing.interval) {
        // Twice as often as mail comes; rarer the longer there is none.
        const Duration gap = std::max(mean_gap_, quiet_for_);
        wanted = std::clamp(gap / 2, pacing.interval, pacing.most);
    }
    return std::max(wanted, least(pacing));
}

void Rhythm::learn(const Outcome& outcome, const Pacing& pacing, MonotonicTime now) {
    const bool is_first = last_good_ == MonotonicTime{};
    const Duration since_last = now - last_good_;
    last_good_ = now;
    if (pacing.most <= pacing.interval) {
        return;
    }
    if (is_first) {
        mean_gap_ = pacing.interval * 2;  // what the first poll finds says nothing of arrivals
        return;
    }
    quiet_for_ += since_last;
    if (outcome.arrived == 0) {
        return;
    }
    const double seen =
        static_cast<double>(quiet_for_.count()) / static_cast<double>(outcome.arrived);
    const double mean =
        (1 - kWeightOfNew) * static_cast<double>(mean_gap_.count()) + kWeightOfNew * seen;
    mean_gap_ = std::min(Duration(static_cast<Duration::rep>(mean)), pacing.most * 2);
    quiet_for_ = Duration::zero();
}

Duration Rhythm::after_good(const Outcome& outcome, const Pacing& pacing, Jitter& jitter) {
    failures_ = 0;
    refusals_ = 0;
    is_unfit_ = false;
    if (outcome.again_after) {
        return jitter.scaled(std::max(*outcome.again_after, kBreath), 1.0, 1.02);
    }
    const Duration wait = std::max(jitter.scaled(interval(pacing), 0.95, 1.05),
                                   jitter.scaled(least(pacing), 1.0, 1.05));
    // From the end of the poll where the server wants time between logins: when in the poll its
    // last login was is not known here.
    const Duration from_end = jitter.scaled(login_delay_, 1.0, 1.05);
    return std::max({wait - outcome.took, from_end, kBreath});
}

Duration Rhythm::after_trouble(const Outcome& outcome, const Pacing& pacing) {
    switch (outcome.ending) {
        case Ending::login_refused:
            ++refusals_;
            return refusals_ == 1 ? kFirstRefusedRetry
                   : refusals_ == 2
                       ? kSecondRefusedRetry
                       : doubled(kFirstRareRetry, refusals_ + 1 - kRefusalsUntilAttention,
                                 kLongestRareRetry);
        case Ending::unfit:
            is_unfit_ = true;
            return doubled(kFirstRareRetry, ++failures_, kLongestRareRetry);
        case Ending::good:
        case Ending::destination:
        case Ending::temporary:
            break;
    }
    failures_ = outcome.arrived > 0 ? 1 : failures_ + 1;
    return doubled(kFirstRetry, failures_, std::max(kLongestRetry, pacing.interval));
}

Duration Rhythm::after(const Outcome& outcome, const Pacing& pacing, MonotonicTime now,
                       Jitter& jitter) {
    if (outcome.login_delay) {
        login_delay_ = *outcome.login_delay;
    }
    if (outcome.ending == Ending::good) {
        learn(outcome, pacing, now);
        return after_good(outcome, pacing, jitter);
    }
    // Never sooner than it may be, and apart from others that failed in the same moment.
    const Duration backoff = jitter.scaled(after_trouble(outcome, pacing), 0.85, 1.15);
    const Duration wait = outcome.ending == Ending::destination && outcome.again_after
                              ? *outcome.again_after
                              : backoff;
    return std::max(wait, jitter.scaled(least(pacing), 1.0, 1.05));
}

}  // namespace postrider::engine
