#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

// Readers of the keys that say which messages are fetched, how, and how long they stay.
namespace postrider::config {

void read_max_message_size(Reader& reader, const Value& value, Retention& into);
void read_oversize(Reader& reader, const Value& value, Retention& into);
void read_max_messages_per_poll(Reader& reader, const Value& value, Retention& into);
void read_commit_every(Reader& reader, const Value& value, Retention& into);
void read_order(Reader& reader, const Value& value, Retention& into);
/// "all", "new", "last 50", "since 2026-01-31".
void read_initial(Reader& reader, const Value& value, Retention& into);
void read_keep_on_server_at_least(Reader& reader, const Value& value, Retention& into);

void read_consumes(Reader& reader, const Value& value, AccountConfig& into);
void read_fetch_with(Reader& reader, const Value& value, AccountConfig& into);
/// A language tag (RFC 5646), or "*" for the server's choice.
void read_lang(Reader& reader, const Value& value, AccountConfig& into);

[[nodiscard]] Keys<CommitEvery> commit_every_keys();

}  // namespace postrider::config
