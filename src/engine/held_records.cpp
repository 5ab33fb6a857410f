#include "postrider/engine/held_records.h"

#include <algorithm>

#include "postrider/engine/plan.h"
#include "postrider/mail/trace.h"

namespace postrider::engine {

using store::MessageRecord;
using store::Phase;

RecordsById records_by_id(const store::AccountRecords& known, const Secret& installation_key,
                          const std::string& account) {
    RecordsById by_id;
    for (const MessageRecord& record : known.messages) {
        if (!record.sha256) {
            continue;
        }
        const std::string& uid = record.key.uid;
        by_id[mail::delivery_id(installation_key, account, is_content_uid(uid) ? "" : uid,
                                *record.sha256)]
            .push_back(record);
    }
    return by_id;
}

bool is_released(const std::vector<MessageRecord>& records) {
    return !records.empty() &&
           std::all_of(records.begin(), records.end(), [](const MessageRecord& record) {
               return !record.held_copy && record.phase != Phase::seen;
           });
}

std::vector<store::Change> released(const std::vector<MessageRecord>& records,
                                    const std::string& note, WallTime now) {
    std::vector<store::Change> changes;
    for (MessageRecord record : records) {
        if (!record.held_copy) {
            continue;
        }
        record.held_copy = false;
        if (record.phase == Phase::held) {
            record.phase = Phase::delivered;
            record.delivered_at = now;
            record.note = note;
        }
        changes.emplace_back(store::PutMessage{record});
    }
    return changes;
}

}  // namespace postrider::engine
