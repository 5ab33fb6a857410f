#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "postrider/base/error.h"

// The guard against a lost ledger (R-010, I9, W14). An empty ledger looks like a first start, and
// everything would be fetched and delivered again; a foreign one looks like a good memory, and mail
// would be deleted that was never delivered. So a second, small file remembers what the ledger has
// to be, and both are compared at each start.
namespace postrider::store {

/// Either file's idea of the installation.
struct Installation {
    std::string id;                  ///< hexadecimal, made at random with the ledger
    std::uint64_t generation = 0;    ///< raised at every start
    std::set<std::string> accounts;  ///< those polled before; the marker has their escaped names
    bool operator==(const Installation&) const = default;
};

/// The marker's file beside the ledger.
inline constexpr const char* kMarkerName = "installation";

/// The text of the marker.
[[nodiscard]] std::string marker_text(const Installation& installation);

/// Nothing if it is no marker of ours.
[[nodiscard]] std::optional<Installation> parse_marker(std::string_view text);

/// What the state directory holds at a start.
struct Findings {
    std::string ledger_path;
    std::optional<Installation> ledger;  ///< none: no ledger, or an empty file
    std::optional<Installation> marker;
    bool marker_unreadable = false;  ///< there is one, but it is not of our making
};

/// Does the ledger remember what this installation did? Errors: doubt, never; the text says what
/// was found, what going on would do, and how to go on all the same.
[[nodiscard]] Expected<void> judge(const Findings& found);

}  // namespace postrider::store
