#include "protocol/pop3/quoter.h"

#include <algorithm>
#include <utility>

#include "postrider/base/text.h"

namespace postrider::pop3 {

void Quoter::withhold(Secret secret) {
    if (!secret.empty()) {
        withheld_.push_back(std::move(secret));
    }
}

std::string Quoter::quoted(std::string_view bytes) const {
    const bool repeats_secret =
        std::any_of(withheld_.begin(), withheld_.end(), [bytes](const Secret& secret) {
            return bytes.find(secret.reveal()) != std::string_view::npos;
        });
    if (repeats_secret) {
        return "(not shown: it repeats the password)";
    }
    return '"' + escaped(bytes) + '"';
}

}  // namespace postrider::pop3
