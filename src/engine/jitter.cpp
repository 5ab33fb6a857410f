#include "postrider/engine/jitter.h"

namespace postrider::engine {

double Jitter::between(double low, double high) {
    // splitmix64; 53 bits are what a double holds.
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    z ^= z >> 31U;
    return low + (high - low) * static_cast<double>(z >> 11U) * 0x1.0p-53;
}

Duration Jitter::scaled(Duration duration, double low, double high) {
    return Duration(
        static_cast<Duration::rep>(static_cast<double>(duration.count()) * between(low, high)));
}

}  // namespace postrider::engine
