#pragma once

#include <functional>
#include <memory>

#include "postrider/base/log.h"
#include "postrider/base/time.h"

namespace postrider {

/// Warnings and errors that say the very same are written once a minute at most; then `repeated`
/// tells how often they came meanwhile. Which they are is remembered of so many.
inline constexpr Duration kCalmFor = std::chrono::minutes(1);
inline constexpr std::size_t kCalmLines = 256;

/// A log that does not repeat itself. `now` is asked at each line.
[[nodiscard]] std::unique_ptr<Log> make_calm_log(std::unique_ptr<Log> inner,
                                                 std::function<MonotonicTime()> now);

}  // namespace postrider
