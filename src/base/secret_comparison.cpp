#include "postrider/base/secret_comparison.h"

namespace postrider {

bool operator==(const Secret& a, const Secret& b) {
    const std::string_view left = a.reveal();
    const std::string_view right = b.reveal();
    if (left.size() != right.size()) {
        return false;
    }
    unsigned difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        difference |= unsigned{static_cast<unsigned char>(left[i])} ^
                      unsigned { static_cast<unsigned char>(right[i]) };
    }
    return difference == 0;
}

}  // namespace postrider
