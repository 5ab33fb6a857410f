#include "mail/head_fields.h"

#include <algorithm>

#include "postrider/base/text.h"

namespace postrider::mail {

std::optional<HeadField> take_field(std::string_view& head) {
    std::size_t end = head.find('\n');
    while (end != std::string_view::npos && end + 1 < head.size() &&
           (head[end + 1] == ' ' || head[end + 1] == '\t')) {
        end = head.find('\n', end + 1);
    }
    const std::string_view field = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 1);
    if (trimmed(field).empty()) return std::nullopt;
    const std::size_t colon = std::min(field.find(':'), field.size());
    return HeadField{trimmed(field.substr(0, colon)),
                     field.substr(std::min(colon + 1, field.size()))};
}

}  // namespace postrider::mail
