#include "sink/smtp_queue.h"

#include <algorithm>
#include <utility>

#include "postrider/base/text.h"

namespace postrider::sink {

SmtpJob::~SmtpJob() {
    if (owner_ != nullptr) {
        owner_->forget(*this);
    }
}

void SmtpJob::commit() {
    is_committed = true;
    if (connection != nullptr) {
        connection->commit();
    }
}

SmtpJob* SmtpQueue::take(bool is_fresh) {
    const auto next = std::find_if(jobs_.begin(), jobs_.end(), [&](const SmtpJob* job) {
        return (is_fresh || job->retries == 0) && may_begin(*job, busy_);
    });
    if (next == jobs_.end()) {
        return nullptr;
    }
    SmtpJob* const job = *next;
    jobs_.erase(next);
    for (std::string& recipient : limited(*job)) {
        ++busy_[std::move(recipient)];
    }
    return job;
}

void SmtpQueue::ended(const SmtpJob& job) {
    for (const std::string& recipient : limited(job)) {
        const auto busy = busy_.find(recipient);
        if (--busy->second == 0) {
            busy_.erase(busy);
        }
    }
}

void SmtpQueue::forget(const SmtpJob& job) {
    jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), &job), jobs_.end());
}

std::deque<SmtpJob*> SmtpQueue::take_all() {
    return std::exchange(jobs_, {});
}

std::size_t SmtpQueue::startable(std::size_t most) const {
    if (per_recipient_ == 0) {
        return std::min(jobs_.size(), most);
    }
    Counts busy = busy_;
    std::size_t count = 0;
    for (auto job = jobs_.begin(); job != jobs_.end() && count < most; ++job) {
        if (may_begin(**job, busy)) {
            ++count;
            for (std::string& recipient : limited(**job)) {
                ++busy[std::move(recipient)];
            }
        }
    }
    return count;
}

bool SmtpQueue::wants_fresh() const {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](const SmtpJob* job) {
        return job->retries > 0 && may_begin(*job, busy_);
    });
}

/// Servers compare them without the case of letters, and so do we.
std::vector<std::string> SmtpQueue::limited(const SmtpJob& job) const {
    std::vector<std::string> keys;
    if (per_recipient_ > 0) {
        for (const mail::Address& recipient : job.envelope.recipients) {
            keys.push_back(to_lower(recipient.text()));
        }
    }
    return keys;
}

bool SmtpQueue::may_begin(const SmtpJob& job, const Counts& busy) const {
    const std::vector<std::string> recipients = limited(job);
    return std::all_of(recipients.begin(), recipients.end(), [&](const std::string& recipient) {
        const auto found = busy.find(recipient);
        return found == busy.end() || found->second < per_recipient_;
    });
}

}  // namespace postrider::sink
