#pragma once

#include "postrider/config/config.h"

#include "config/reader.h"

// Destinations on this machine: `type: maildir` and `type: command`.
namespace postrider::config {

void read_maildir_path(Reader& reader, const Value& value, DestinationConfig& into);
void read_argv(Reader& reader, const Value& value, DestinationConfig& into);
void read_command_environment(Reader& reader, const Value& value, DestinationConfig& into);
void read_line_ends(Reader& reader, const Value& value, DestinationConfig& into);

/// Tells the keys that are not for this type of destination, and what it lacks.
void check_keys_of_type(Reader& reader, const Entry& entry, const DestinationConfig& destination);

}  // namespace postrider::config
