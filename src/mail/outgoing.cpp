#include "postrider/mail/outgoing.h"

#include <algorithm>
#include <utility>

#include "postrider/base/assert.h"

namespace postrider::mail {
namespace {

bool is_sorted_within(const std::vector<Edit>& edits, std::uint64_t size) {
    std::uint64_t before = 0;
    for (const Edit& edit : edits) {
        if (edit.replaced.begin < before || edit.replaced.end < edit.replaced.begin) return false;
        before = edit.replaced.end;
    }
    return before <= size;
}

}  // namespace

OutgoingMessage::OutgoingMessage(Message received, std::string own_header, std::vector<Edit> edits,
                                 Provenance provenance)
    : received_(std::move(received)),
      own_header_(std::move(own_header)),
      edits_(std::move(edits)),
      provenance_(std::move(provenance)),
      size_(own_header_.size() + received_.facts().size) {
    POSTRIDER_ASSERT(is_sorted_within(edits_, received_.facts().size));
    for (const Edit& edit : edits_) {
        size_ += edit.by.size();
        size_ -= edit.replaced.end - edit.replaced.begin;
    }
}

OutgoingMessage::Reader::Reader(const OutgoingMessage& message) : message_(message) {}

Expected<std::string_view> OutgoingMessage::Reader::next() {
    const std::size_t octets = std::min<std::uint64_t>(kPiece, message_.size_ - given_);
    if (piece_.size() < octets) piece_.resize(octets);
    std::span<char> rest = std::span(piece_).first(octets);
    if (given_ < message_.own_header_.size()) {
        rest = rest.subspan(message_.own_header_.copy(rest.data(), rest.size(), given_));
    }
    while (!rest.empty()) {
        const auto left = fill(rest);
        if (!left) return failure(left.error());
        rest = *left;
    }
    given_ += octets;
    return std::string_view(piece_).substr(0, octets);
}

Expected<std::span<char>> OutgoingMessage::Reader::fill(std::span<char> rest) {
    const bool has_edit = next_edit_ < message_.edits_.size();
    if (has_edit && message_.edits_[next_edit_].replaced.begin == offset_) {
        const Edit& edit = message_.edits_[next_edit_];
        const std::size_t octets = edit.by.copy(rest.data(), rest.size(), inserted_);
        inserted_ += octets;
        if (inserted_ == edit.by.size()) {
            offset_ = edit.replaced.end;
            inserted_ = 0;
            ++next_edit_;
        }
        return rest.subspan(octets);
    }
    const std::size_t stretch =
        has_edit ? std::min<std::uint64_t>(rest.size(),
                                           message_.edits_[next_edit_].replaced.begin - offset_)
                 : rest.size();
    const auto got = message_.received_.read(offset_, rest.first(stretch));
    if (!got) return failure(got.error());
    offset_ += stretch;
    return rest.subspan(stretch);
}

}  // namespace postrider::mail
