#pragma once

#include <string_view>

#include "postrider/config/config.h"

#include "config/reader.h"

// Keys of a destination that only a mail server (SMTP, LMTP) has: whom to ask, as whom, and for
// what.
namespace postrider::config {

/// "mx.example", "mx.example:2525", "192.0.2.1", "[2001:db8::1]:25"; without a port it is 0.
[[nodiscard]] Expected<HostConfig> parse_host(std::string_view text);
void read_hosts(Reader& reader, const Value& value, DestinationConfig& into);
void read_smtp_user(Reader& reader, const Value& value, DestinationConfig& into);
void read_smtp_auth(Reader& reader, const Value& value, DestinationConfig& into);
/// A number, or "unlimited".
void read_connections_per_recipient(Reader& reader, const Value& value, DestinationConfig& into);
void read_long_lines(Reader& reader, const Value& value, DestinationConfig& into);
void read_nul(Reader& reader, const Value& value, DestinationConfig& into);
void read_eight_bit(Reader& reader, const Value& value, DestinationConfig& into);
void read_on_ambiguous(Reader& reader, const Value& value, DestinationConfig& into);
void read_dsn(Reader& reader, const Value& value, DestinationConfig& into);
void read_xclient(Reader& reader, const Value& value, DestinationConfig& into);

[[nodiscard]] Keys<DsnConfig> dsn_keys();
[[nodiscard]] Keys<DestinationConfig> xclient_keys();

/// What goes together with what: called when the section was read and `tls` is known.
void complete_smtp(Reader& reader, const Entry& entry, DestinationConfig& destination);

}  // namespace postrider::config
