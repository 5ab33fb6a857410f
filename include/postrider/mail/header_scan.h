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
/// The value of a field longer than this, line ends included, is not interpreted (S-027).
inline constexpr std::size_t kFieldLimit = 64UL * 1024;

/// What a delivery needs to know of a header. A field is a name, blanks if any (the obsolete syntax
/// of RFC 5322 section 4.5), a colon, and all up to the next line that does not begin with a blank.
struct HeaderScan {
    /// Unfolded value of the topmost Return-Path, if it stands before or within the first block of
    /// Received fields (S-011); the trace the last server wrote, not one the sender forged below.
    /// The block ends with the first field after a Received that is neither Received nor
    /// Return-Path; without any Received the topmost Return-Path counts wherever it stands. One
    /// that is too long to be interpreted still is the topmost: those below it do not count.
    std::optional<std::string> return_path;
    /// Every Return-Path field with its continuation lines: these octets move into the envelope.
    /// Sorted, disjoint, each one whole: a field cut by the limit stays in the message, lest its
    /// tail become a continuation of what stands above it.
    std::vector<ByteRange> return_path_fields;
    std::size_t received_count = 0;
    std::uint64_t header_octets =
        0;  ///< as far as interpreted, without the empty line that ends it
    /// The header was interpreted up to the empty line or the end of the message. False if the
    /// limit came first, or a line that is no field and no continuation; the header ends there for
    /// us.
    bool complete = false;
};

/// Scans the head of a canonical message: its first kHeaderScanLimit octets (more are not looked
/// at), or all of it if it is shorter. Any octets are a valid input. What is no header is tolerated
/// on top of one (S-025): the separator line of an mbox, "From " or ">From ", a continuation line
/// that has nothing to continue, a line without a colon, empty lines. Linear in the length of the
/// head.
[[nodiscard]] HeaderScan scan_header(std::string_view head);

}  // namespace postrider::mail
