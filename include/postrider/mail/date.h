#pragma once

#include <optional>
#include <string_view>

#include "postrider/base/time.h"

namespace postrider::mail {

/// RFC 5322 section 3.3 date-time, with the obsolete zones and years of section 4.3, in any case of
/// letters; comments are passed over. Nothing if it is none of these or no day of the calendar.
[[nodiscard]] std::optional<WallTime> parse_date(std::string_view text);

/// When the last server received the message of this header: the date of its topmost Received, for
/// the sender can write what it likes into Date; that one counts only where no Received tells.
[[nodiscard]] std::optional<WallTime> received_date(std::string_view head);

}  // namespace postrider::mail
