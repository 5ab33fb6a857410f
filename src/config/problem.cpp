#include "postrider/config/problem.h"

#include <fmt/format.h>

namespace postrider::config {

std::string Problem::to_text() const {
    std::string out = place.file;
    if (place.line > 0) {
        out += fmt::format(":{}:{}", place.line, place.column);
    }
    if (!key_path.empty()) {
        out += ": " + key_path;
    }
    return out + ": " + text;
}

}  // namespace postrider::config
