#include "mail/content_digest.h"

#include <algorithm>

#include "postrider/mail/server_fields.h"

namespace postrider::mail {

void ContentDigest::add(std::string_view octets) {
    while (in_header_ && !octets.empty()) {
        take_from_line(octets);
    }
    if (!octets.empty()) {
        hash_.add(octets);
    }
}

void ContentDigest::take_from_line(std::string_view& octets) {
    const std::size_t end = octets.find('\n');
    const std::size_t rest_of_line = end == std::string_view::npos ? octets.size() : end + 1;
    const bool ends_here = end != std::string_view::npos;
    if (is_decided_) {
        if (!is_passed_over_) {
            hash_.add(octets.substr(0, rest_of_line));
        }
        octets.remove_prefix(rest_of_line);
        is_decided_ = !ends_here;
        return;
    }
    const std::size_t taken = std::min(rest_of_line, kDecisiveOctets - beginning_.size());
    beginning_.append(octets.substr(0, taken));
    octets.remove_prefix(taken);
    if (beginning_.size() == kDecisiveOctets || beginning_.ends_with('\n')) {
        decide();
    }
}

void ContentDigest::decide() {
    const bool is_whole = beginning_.ends_with('\n');
    const bool continues = beginning_.front() == ' ' || beginning_.front() == '\t';
    if (!continues) {
        is_passed_over_ = begins_field_of_server(beginning_);
    }
    if (!is_passed_over_) {
        hash_.add(beginning_);
    }
    in_header_ = beginning_ != "\r\n";
    is_decided_ = !is_whole;
    beginning_.clear();
}

Digest ContentDigest::finish() {
    if (!beginning_.empty()) {
        decide();
    }
    return hash_.finish();
}

}  // namespace postrider::mail
