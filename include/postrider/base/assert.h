#pragma once

namespace postrider {

/// Prints what was broken and aborts. Never returns.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace postrider

/// States what only a bug can break; on in release builds too. Never for bytes from a peer, a file,
/// a clock or a user: those are errors.
#define POSTRIDER_ASSERT(expression)     \
    ((expression) ? static_cast<void>(0) \
                  : ::postrider::assertion_failed(#expression, __FILE__, __LINE__))
