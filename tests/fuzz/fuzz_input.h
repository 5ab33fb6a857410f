#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "postrider/base/assert.h"

namespace postrider::fuzz {

/// What the fuzzer gives, as text: its first octets steer, the rest is what a peer sends.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(static_cast<const char*>(static_cast<const void*>(data)), size) {}

    /// The next octet that steers; 0 at the end.
    [[nodiscard]] std::uint8_t octet() {
        if (rest_.empty()) {
            return 0;
        }
        const auto octet = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return octet;
    }

    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

/// Gives `bytes` to `take` in pieces of at most `size` octets; 0: as a whole.
template <class Take>
void in_pieces(std::string_view bytes, std::size_t size, Take take) {
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, size == 0 ? bytes.size() : size);
        bytes.remove_prefix(piece.size());
        take(piece);
    }
}

}  // namespace postrider::fuzz
