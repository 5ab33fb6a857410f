#include "postrider/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace postrider {

void assertion_failed(const char* expression, const char* file, int line) {
    static_cast<void>(
        std::fprintf(stderr, "postrider: bug: %s does not hold (%s:%d)\n", expression, file, line));
    std::abort();
}

}  // namespace postrider
