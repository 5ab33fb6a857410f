#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace postrider::sim {

/// The last step of splitmix64: any two numbers that differ give numbers that look unrelated.
[[nodiscard]] constexpr std::uint64_t scrambled(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

/// One number out of several.
[[nodiscard]] constexpr std::uint64_t scrambled(std::initializer_list<std::uint64_t> numbers) {
    std::uint64_t all = 0;
    for (const std::uint64_t number : numbers) {
        all = scrambled(all + 0x9e3779b97f4a7c15U + number);
    }
    return all;
}

/// All chance of a run: splitmix64, the same on every machine. Whoever needs chance has one of its
/// own, so that what one draws does not change what another gets.
class Random {
  public:
    explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

    constexpr std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        return scrambled(state_);
    }
    /// 0 .. bound - 1; 0 if bound is 0.
    constexpr std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }
    constexpr bool one_in(std::uint64_t n) { return below(n) == 0; }
    constexpr bool coin() { return one_in(2); }

    /// Small numbers often, large ones seldom; up to `most`.
    constexpr std::uint64_t skewed(std::uint64_t most) { return below(below(most + 1) + 1); }

    std::string octets(std::size_t count) {
        std::string octets(count, '\0');
        for (char& octet : octets) {
            octet = static_cast<char>(below(256));
        }
        return octets;
    }

  private:
    std::uint64_t state_;
};

}  // namespace postrider::sim
