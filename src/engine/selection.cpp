#include "engine/selection.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::engine {

namespace {

bool is_skipped(const source::RemoteMessage& remote, std::size_t position, std::size_t listed,
                const Initial& initial) {
    switch (initial.kind) {
        case Initial::Kind::all:
            return false;
        case Initial::Kind::none:
            return true;
        case Initial::Kind::last:
            return position + initial.count < listed;
        case Initial::Kind::since:
            return remote.dated && *remote.dated < initial.since;
    }
    return false;
}

void hold(Plan& plan, const Job& job, std::uint64_t limit) {
    store::MessageRecord record = job.record;
    record.phase = store::Phase::held;
    record.retry_after.reset();
    record.note = fmt::format("listed with {}, more than max_message_size ({})",
                              human_bytes(job.remote.size), human_bytes(limit));
    plan.records.insert_or_assign(record.key, record);
    plan.reconcile.emplace_back(store::PutMessage{std::move(record)});
}

/// A message that was to show its content and does not: its group of equal UIDs stays open.
void leave_out(Plan& plan, const Job& job) {
    if (job.verify) {
        plan.when_verified.erase(job.remote.uid);
    }
}

void take_out_oversize(Plan& plan, const AccountPolicy& policy) {
    const std::uint64_t limit = *policy.max_message_size;
    std::vector<Job> fit;
    for (Job& job : plan.fetch) {
        if (job.remote.size <= limit) {
            fit.push_back(std::move(job));
            continue;
        }
        ++plan.oversize;
        leave_out(plan, job);
        // Without UID there is nothing to record it under.
        if (policy.oversize == Oversize::hold && !job.verify && !job.remote.uid.empty()) {
            hold(plan, job, limit);
        }
    }
    plan.fetch = std::move(fit);
}

}  // namespace

std::set<std::uint32_t> skipped_at_first(const source::Listing& listing, const Initial& initial) {
    std::set<std::uint32_t> skipped;
    const std::size_t listed = listing.messages.size();
    for (std::size_t i = 0; i < listed; ++i) {
        if (is_skipped(listing.messages[i], i, listed, initial)) {
            skipped.insert(listing.messages[i].number);
        }
    }
    return skipped;
}

void select(Plan& plan, const AccountPolicy& policy) {
    if (policy.order == Order::newest) {
        std::reverse(plan.fetch.begin(), plan.fetch.end());
    }
    if (policy.max_message_size) {
        take_out_oversize(plan, policy);
        std::stable_partition(plan.fetch.begin(), plan.fetch.end(), [&policy](const Job& job) {
            return job.remote.size <= *policy.max_message_size / 2;
        });
    }
    // Those that have failed before shall not be in the way of the others. Mostly there are none,
    // and partitioning takes the memory of a second list.
    const auto has_not_failed = [](const Job& job) { return job.record.failures == 0; };
    if (!std::all_of(plan.fetch.begin(), plan.fetch.end(), has_not_failed)) {
        std::stable_partition(plan.fetch.begin(), plan.fetch.end(), has_not_failed);
    }
    // What has no UID is known only when it was fetched: a limit would show the same ones for ever.
    while (policy.max_messages_per_poll && plan.fetch.size() > *policy.max_messages_per_poll &&
           !plan.fetch.back().remote.uid.empty()) {
        leave_out(plan, plan.fetch.back());
        plan.fetch.pop_back();
        ++plan.left;
    }
}

}  // namespace postrider::engine
