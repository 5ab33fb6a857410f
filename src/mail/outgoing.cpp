#include "postrider/mail/outgoing.h"

#include <algorithm>
#include <utility>

#include "postrider/base/assert.h"

namespace postrider::mail {
namespace {

bool is_sorted_within(const std::vector<ByteRange>& ranges, std::uint64_t size) {
    std::uint64_t before = 0;
    for (const ByteRange& range : ranges) {
        if (range.begin < before || range.end < range.begin) return false;
        before = range.end;
    }
    return before <= size;
}

}  // namespace

OutgoingMessage::OutgoingMessage(Message received, std::string own_header,
                                 std::vector<ByteRange> removed, Provenance provenance)
    : received_(std::move(received)),
      own_header_(std::move(own_header)),
      removed_(std::move(removed)),
      provenance_(std::move(provenance)),
      size_(own_header_.size() + received_.facts().size) {
    POSTRIDER_ASSERT(is_sorted_within(removed_, received_.facts().size));
    for (const ByteRange& range : removed_) size_ -= range.end - range.begin;
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
        const std::size_t stretch = skip_removed(rest.size());
        const auto got = message_.received_.read(offset_, rest.first(stretch));
        if (!got) return failure(got.error());
        offset_ += stretch;
        rest = rest.subspan(stretch);
    }
    given_ += octets;
    return std::string_view(piece_).substr(0, octets);
}

std::size_t OutgoingMessage::Reader::skip_removed(std::size_t wanted) {
    const std::vector<ByteRange>& removed = message_.removed_;
    while (next_removed_ < removed.size() && removed[next_removed_].begin == offset_) {
        offset_ = removed[next_removed_].end;
        ++next_removed_;
    }
    if (next_removed_ == removed.size()) return wanted;
    return std::min<std::uint64_t>(wanted, removed[next_removed_].begin - offset_);
}

}  // namespace postrider::mail
