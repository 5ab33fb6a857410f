#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::mail {

/// Octets [begin, end) of a canonical message.
struct ByteRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool operator==(const ByteRange&) const = default;
};

/// The header is interpreted up to here; what lies behind is passed on unread (S-027).
inline constexpr std::size_t kHeaderScanLimit = 1024UL * 1024;
/// A field longer than this is not interpreted (S-027).
inline constexpr std::size_t kFieldLimit = 64UL * 1024;

/// What a delivery needs to know of a header.
struct HeaderScan {
    /// Unfolded value of the topmost Return-Path, if it stands before or within the first block of
    /// Received fields (S-011); the trace the last server wrote, not one the sender forged below.
    std::optional<std::string> return_path;
    /// Every Return-Path field with its continuation lines: these octets move into the envelope.
    std::vector<ByteRange> return_path_fields;
    std::size_t received_count = 0;
    std::uint64_t header_octets = 0;  ///< without the empty line that ends it
    bool complete = false;            ///< the end of the header was seen
};

/// Scans the head of a canonical message. Any octets are a valid input.
[[nodiscard]] HeaderScan scan_header(std::string_view head);

}  // namespace postrider::mail
