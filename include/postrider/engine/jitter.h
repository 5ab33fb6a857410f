#pragma once

#include <cstdint>

#include "postrider/base/time.h"

namespace postrider::engine {

/// Chance, enough to keep many parties from moving in step, and the same in every run of one seed.
class Jitter {
  public:
    explicit Jitter(std::uint64_t seed) : state_(seed) {}

    /// From `low` up to, not including, `high`.
    [[nodiscard]] double between(double low, double high);
    /// `duration` times something between `low` and `high`.
    [[nodiscard]] Duration scaled(Duration duration, double low, double high);
    /// From zero up to `duration`.
    [[nodiscard]] Duration within(Duration duration) { return scaled(duration, 0, 1); }

  private:
    std::uint64_t state_;
};

}  // namespace postrider::engine
