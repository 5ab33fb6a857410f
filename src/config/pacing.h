#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

// Readers of the keys that say how often and when an account is polled.
namespace postrider::config {

/// A duration, or {min, max} for an interval that follows the arrival of mail.
void read_poll_every(Reader& reader, const Value& value, AccountConfig& into);
void read_poll_at_least(Reader& reader, const Value& value, AccountConfig& into);
/// "07:00-23:00", or "always".
void read_active(Reader& reader, const Value& value, AccountConfig& into);

/// Of poll_every as a section.
struct PollRange {
    Duration min = std::chrono::seconds(30);
    Duration max = std::chrono::minutes(15);
};
[[nodiscard]] Keys<PollRange> poll_every_keys();

}  // namespace postrider::config
