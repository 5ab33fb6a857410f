#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/protocol/pop3/dialogue.h"

namespace postrider::pop3 {

/// Collects the lines of UIDL and of LIST and joins them to one listing of the maildrop. What a
/// server says about its counts is never believed: only lines that came count, and memory grows
/// with them alone (P-017).
///
/// Lines may come in any order, with any run of blanks, and with "+OK" in front (P-018). A message
/// number that is none, is 0 or comes twice botches the listing: such a server does not know what a
/// number means, and DELE goes by number.
class ListingReader {
  public:
    /// A line of UIDL. A message may lack its UID; a line with a NUL or CR in it is passed over,
    /// which leaves that message out (P-019). Errors: protocol; limit (kMaxUid, kMaxUidOctets,
    /// kMaxMessages).
    [[nodiscard]] Expected<void> add_uid(std::string_view line);

    /// A line of LIST; text behind the size is passed over. Errors: protocol; limit (kMaxMessages).
    [[nodiscard]] Expected<void> add_size(std::string_view line);

    /// The messages that are in both, by ascending number (P-020). Takes what was collected.
    /// Errors: protocol (a number came twice).
    [[nodiscard]] Expected<std::vector<Listed>> join();

    /// The messages of LIST, without UIDs. As join().
    [[nodiscard]] Expected<std::vector<Listed>> sizes_alone();

  private:
    struct Uid {
        std::uint32_t number;
        std::string text;
    };
    struct Size {
        std::uint32_t number;
        std::uint64_t octets;
    };

    std::vector<Uid> uids_;
    std::vector<Size> sizes_;
    std::uint64_t uid_lines_ = 0;
    std::uint64_t uid_octets_ = 0;
};

}  // namespace postrider::pop3
