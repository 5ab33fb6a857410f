#pragma once

#include <map>
#include <string>
#include <vector>

#include "postrider/base/secret.h"
#include "postrider/base/time.h"
#include "postrider/store/ledger.h"

// What the ledger says of messages of the held store, which knows them by their delivery id alone.
// Pure.
namespace postrider::engine {

/// The records of an account by the id of their delivery; equal content under equal UIDs has one
/// id.
using RecordsById = std::map<std::string, std::vector<store::MessageRecord>>;

[[nodiscard]] RecordsById records_by_id(const store::AccountRecords& known,
                                        const Secret& installation_key, const std::string& account);

/// Nobody waits for the held copy any more, and only the copy is still there: an earlier attempt
/// ended after this was recorded. False if nothing is recorded at all (the message may have left
/// the server long ago) or a holding was cut short of its record.
[[nodiscard]] bool is_released(const std::vector<store::MessageRecord>& records);

/// For when nothing of a message is held any more, because it was delivered at last or a person has
/// given it up: whoever else waits for it still does, otherwise it counts as delivered, and may be
/// deleted as that.
[[nodiscard]] std::vector<store::Change> released(const std::vector<store::MessageRecord>& records,
                                                  const std::string& note, WallTime now);

}  // namespace postrider::engine
