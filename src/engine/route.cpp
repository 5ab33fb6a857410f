#include "postrider/engine/route.h"

#include <algorithm>

namespace postrider::engine {

std::optional<Error> Route::closed(MonotonicTime now) const {
    const bool is_closed =
        std::all_of(destinations_.begin(), destinations_.end(),
                    [now](const Destination* one) { return one->closed(now).has_value(); });
    return is_closed ? destinations_.front()->closed(now) : std::nullopt;
}

bool Route::is_any_closed(MonotonicTime now) const {
    return std::any_of(destinations_.begin(), destinations_.end(),
                       [now](const Destination* one) { return one->closed(now).has_value(); });
}

std::optional<MonotonicTime> Route::opens_at() const {
    std::optional<MonotonicTime> first;
    for (const Destination* const one : destinations_) {
        const auto opens = one->opens_at();
        if (opens && (!first || *opens < *first)) {
            first = opens;
        }
    }
    return first;
}

}  // namespace postrider::engine
