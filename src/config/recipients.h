#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

// Whom the mail of an account is for, and from.
namespace postrider::config {

/// A list of addresses, or a map that tells in which field of the header they stand.
void read_recipients(Reader& reader, const Value& value, AccountConfig& into);
/// return_path, null, or an address.
void read_envelope_sender(Reader& reader, const Value& value, AccountConfig& into);
void read_delivered_to(Reader& reader, const Value& value, AccountConfig& into);

[[nodiscard]] Keys<mail::RecipientRule> recipient_rule_keys();

}  // namespace postrider::config
