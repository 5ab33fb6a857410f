#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace postrider::store {

/// Gives so many octets that nobody can guess.
using RandomOctets = std::function<std::string(std::size_t count)>;

/// From the kernel; `count` up to 256 octets.
[[nodiscard]] std::string octets_of_the_kernel(std::size_t count);

}  // namespace postrider::store
