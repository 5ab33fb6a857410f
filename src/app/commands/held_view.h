#pragma once

#include <string>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/store/held_copies.h"
#include "postrider/store/ledger.h"

#include "app/commands/command_line.h"

namespace postrider::app {

// What `postrider held` shows, and which messages its arguments mean. Pure.

/// The shortest beginning of an id that is taken for it, if no other id begins so.
inline constexpr std::size_t kShortestId = 4;

/// A message of which there is no copy: the server did not give it away, or it was too large.
struct HeldRemotely {
    std::string account;
    store::MessageRecord record;
};

/// The copies that `line` means, in the order of `copies`. Errors: config, never, with the id that
/// is unknown or means several.
[[nodiscard]] Expected<std::vector<store::HeldCopy>> chosen(
    const std::vector<store::HeldCopy>& copies, const HeldLine& line, WallTime now);

/// One line each.
[[nodiscard]] std::string list_text(const store::HeldCopy& copy);
[[nodiscard]] std::string list_text(const HeldRemotely& message);

/// Several lines; `head` is the beginning of the message.
[[nodiscard]] std::string show_text(const store::HeldCopy& copy, const std::string& head);

/// The lines of the header that `head` begins with, escaped.
[[nodiscard]] std::vector<std::string> header_lines(const std::string& head);

}  // namespace postrider::app
