#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "postrider/base/time.h"

namespace postrider::app {

/// How long things took, counted in buckets. Small: every account has one.
class Histogram {
  public:
    /// The upper bounds of the buckets, in seconds; a last bucket has all that took longer.
    static constexpr std::array<double, 10> kBounds{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300};

    void add(Duration took) {
        const double seconds = std::chrono::duration<double>(took).count();
        const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
        ++counts_.at(static_cast<std::size_t>(bound - kBounds.begin()));
        sum_ += seconds;
    }
    void add(const Histogram& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            counts_.at(i) += other.counts_.at(i);
        }
        sum_ += other.sum_;
    }

    /// Of each bucket alone; one more than there are bounds.
    [[nodiscard]] const std::array<std::uint32_t, kBounds.size() + 1>& counts() const {
        return counts_;
    }
    [[nodiscard]] double sum() const { return sum_; }  ///< seconds

  private:
    std::array<std::uint32_t, kBounds.size() + 1> counts_{};
    double sum_ = 0;
};

}  // namespace postrider::app
