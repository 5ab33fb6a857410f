#include "protocol/pop3/quoter.h"

#include <algorithm>
#include <utility>

#include "postrider/base/text.h"

namespace postrider::pop3 {

namespace {

constexpr const char* kNotShown = "(not shown: it repeats the password)";

}  // namespace

void Quoter::withhold(Secret secret) {
    if (!secret.empty()) {
        withheld_.push_back(std::move(secret));
    }
}

bool Quoter::repeats_secret(std::string_view bytes) const {
    return std::any_of(withheld_.begin(), withheld_.end(), [bytes](const Secret& secret) {
        return bytes.find(secret.reveal()) != std::string_view::npos;
    });
}

std::string Quoter::quoted(std::string_view bytes) const {
    return repeats_secret(bytes) ? kNotShown : '"' + escaped(bytes) + '"';
}

std::string Quoter::shown(std::string_view bytes, std::size_t max) const {
    return repeats_secret(bytes) ? kNotShown : escaped(bytes, max);
}

}  // namespace postrider::pop3
