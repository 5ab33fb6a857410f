#pragma once

#include "config/accounts.h"

// Where the mail of an account goes, and what becomes of it where it is refused.
namespace postrider::config {

void read_deliver_to(Reader& reader, const Value& value, AccountDraft& draft);
void read_refused(Reader& reader, const Value& value, AccountDraft& draft);
void read_bounce_via(Reader& reader, const Value& value, AccountDraft& draft);

/// Finds out where bounces go, if there are to be any, and tells if they can go nowhere.
void complete_routing(Reader& reader, const Entry& account, AccountDraft& draft);

}  // namespace postrider::config
