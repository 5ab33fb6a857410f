#include "store/random_octets.h"

#include <cerrno>

#include <sys/random.h>

#include "postrider/base/assert.h"

namespace postrider::store {

std::string octets_of_the_kernel(std::size_t count) {
    constexpr std::size_t kWholeUpTo = 256;
    POSTRIDER_ASSERT(count <= kWholeUpTo);
    std::string octets(count, '\0');
    // So many come whole once the kernel's pool is ready (getrandom(2)).
    while (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size())) {
        POSTRIDER_ASSERT(errno == EINTR);
    }
    return octets;
}

}  // namespace postrider::store
