#pragma once

#include <SQLiteCpp/Database.h>

#include "postrider/base/error.h"

// The tables of the ledger and the way from each version of them to the next.
namespace postrider::store {

/// The version of the newest schema; kept in the file's user_version.
[[nodiscard]] int newest_schema();

/// Reads which schema the file has, 0 for an empty one, and changes nothing. Errors: corrupt (no
/// ledger, or damaged), config (from a newer version of the program); both never.
[[nodiscard]] Expected<int> schema_of(SQLite::Database& database);

/// Brings a ledger to the newest schema, each step in a transaction of its own: an interrupted
/// migration goes on at the next start. Throws SQLite::Exception.
void migrate(SQLite::Database& database, int from);

}  // namespace postrider::store
