#pragma once

#include <cstdint>

#include "postrider/base/time.h"
#include "postrider/engine/pacing.h"

namespace postrider::engine {

class Jitter;

// Numbers of design section 2, "Failures", and of P-026 to P-028.
inline constexpr Duration kFirstRetry = std::chrono::seconds(30);
inline constexpr Duration kLongestRetry = std::chrono::minutes(15);
inline constexpr Duration kFirstRefusedRetry = std::chrono::minutes(1);
inline constexpr Duration kSecondRefusedRetry = std::chrono::minutes(5);
inline constexpr Duration kFirstRareRetry = std::chrono::hours(1);
inline constexpr Duration kLongestRareRetry = std::chrono::hours(24);
inline constexpr std::uint32_t kRefusalsUntilAttention = 3;

/// What is remembered of one account's polls, and when the next one is due. Small: there is one for
/// every account, also when it is idle.
class Rhythm {
  public:
    /// How long after the end of a poll, which is `now`, the next one is due. Intervals run from
    /// start to start.
    [[nodiscard]] Duration after(const Outcome& outcome, const Pacing& pacing, MonotonicTime now,
                                 Jitter& jitter);

    /// A person must look at this account.
    [[nodiscard]] bool needs_attention() const {
        return is_unfit_ || refusals_ >= kRefusalsUntilAttention;
    }
    /// In a row, of every kind.
    [[nodiscard]] std::uint32_t failures() const { return failures_ + refusals_; }
    /// That the provider or its server wants between two polls, as far as is known.
    [[nodiscard]] Duration least(const Pacing& pacing) const;
    /// Between polls that go well, as it is now.
    [[nodiscard]] Duration interval(const Pacing& pacing) const;

  private:
    void learn(const Outcome& outcome, const Pacing& pacing, MonotonicTime now);
    [[nodiscard]] Duration after_good(const Outcome& outcome, const Pacing& pacing, Jitter& jitter);
    [[nodiscard]] Duration after_trouble(const Outcome& outcome, const Pacing& pacing);

    std::uint32_t failures_ = 0;  ///< in a row, other than refused logins
    std::uint32_t refusals_ = 0;  ///< of the login, with no good poll between them
    bool is_unfit_ = false;
    Duration login_delay_{};
    MonotonicTime last_good_{};  ///< end of the last poll that went well; zero: none did
    // Of adaptive intervals:
    Duration mean_gap_{};   ///< between messages; zero: not known yet
    Duration quiet_for_{};  ///< since the last message came
};

}  // namespace postrider::engine
