#include "support/memory_ledger.h"

#include <utility>

#include "postrider/base/assert.h"

#include "store/callbacks.h"

namespace postrider::test {

using store::AccountRecords;
using store::Change;
using store::ForgetMessage;
using store::LoadDone;
using store::MessageKey;
using store::MessageRecord;
using store::PutMessage;
using store::PutState;
using store::WriteDone;

MemoryLedger::MemoryLedger(event::Loop& loop) : loop_(loop), key_(std::string(32, 'k')) {}

MemoryLedger::~MemoryLedger() {
    *alive_ = false;
}

std::unique_ptr<event::Operation> MemoryLedger::load(const std::string& account, LoadDone done) {
    calls_.push_back({Call::Kind::load, account, {}});
    if (auto error = take_error(next_load_error_)) {
        return answer<AccountRecords>(std::move(done), failure(*std::move(error)));
    }
    AccountRecords loaded;
    if (const auto found = accounts_.find(account); found != accounts_.end()) {
        loaded.known = true;
        loaded.state = found->second.state;
        for (const auto& [key, record] : found->second.records) {
            loaded.messages.push_back(record);
        }
    }
    return answer<AccountRecords>(std::move(done), std::move(loaded));
}

std::unique_ptr<event::Operation> MemoryLedger::write(const std::string& account,
                                                      std::vector<Change> changes, WriteDone done) {
    calls_.push_back({Call::Kind::write, account, changes});
    if (auto error = take_error(next_write_error_)) {
        return answer<void>(std::move(done), failure(*std::move(error)));
    }
    Account& into = accounts_[account];
    for (const Change& change : changes) {
        if (const auto* const put = std::get_if<PutMessage>(&change)) {
            into.records[put->record.key] = put->record;
        } else if (const auto* const forgotten = std::get_if<ForgetMessage>(&change)) {
            into.records.erase(forgotten->key);
        } else {
            into.state = std::get<PutState>(change).state;
        }
    }
    return answer<void>(std::move(done), {});
}

std::unique_ptr<event::Operation> MemoryLedger::sync(WriteDone done) {
    calls_.push_back({Call::Kind::sync, {}, {}});
    if (auto error = take_error(next_sync_error_)) {
        return answer<void>(std::move(done), failure(*std::move(error)));
    }
    auto ticket = std::make_shared<store::Ticket<void>>(std::move(done));
    auto operation = std::make_unique<store::TicketOperation<void>>(ticket);
    enqueue([this, ticket = std::move(ticket), covered = accounts_] {
        durable_ = covered;
        ticket->call({});
    });
    return operation;
}

void MemoryLedger::release() {
    holding_ = false;
    while (!answers_.empty()) {
        post_one();
    }
}

void MemoryLedger::release_one() {
    POSTRIDER_ASSERT(!answers_.empty());
    post_one();
}

bool MemoryLedger::is_known(const std::string& account) const {
    return accounts_.contains(account);
}

MemoryLedger::Records MemoryLedger::records(const std::string& account) const {
    const auto found = accounts_.find(account);
    return found == accounts_.end() ? Records{} : found->second.records;
}

std::optional<MessageRecord> MemoryLedger::record(const std::string& account,
                                                  const MessageKey& key) const {
    const Records all = records(account);
    const auto found = all.find(key);
    return found == all.end() ? std::nullopt : std::optional(found->second);
}

store::AccountState MemoryLedger::state(const std::string& account) const {
    const auto found = accounts_.find(account);
    return found == accounts_.end() ? store::AccountState{} : found->second.state;
}

std::optional<MessageRecord> MemoryLedger::durable_record(const std::string& account,
                                                          const MessageKey& key) const {
    const auto found = durable_.find(account);
    if (found == durable_.end() || !found->second.records.contains(key)) {
        return std::nullopt;
    }
    return found->second.records.at(key);
}

void MemoryLedger::cut_power() {
    *std::exchange(alive_, std::make_shared<bool>(true)) = false;
    answers_.clear();
    accounts_ = durable_;
    final_error_.reset();
}

template <class Result>
std::unique_ptr<event::Operation> MemoryLedger::answer(std::function<void(Expected<Result>)> done,
                                                       Expected<Result> result) {
    auto ticket = std::make_shared<store::Ticket<Result>>(std::move(done));
    auto operation = std::make_unique<store::TicketOperation<Result>>(ticket);
    enqueue(store::Callbacks::answer(std::move(ticket), std::move(result)));
    return operation;
}

void MemoryLedger::enqueue(std::function<void()> give_answer) {
    answers_.push_back(std::move(give_answer));
    if (!holding_) {
        post_one();
    }
}

void MemoryLedger::post_one() {
    loop_.defer([alive = alive_, give_answer = std::move(answers_.front())] {
        if (*alive) {
            give_answer();
        }
    });
    answers_.pop_front();
}

std::optional<Error> MemoryLedger::take_error(std::optional<Error>& wanted) {
    if (!final_error_ && wanted && wanted->retry == Retry::never) {
        final_error_ = wanted;
    }
    auto error = final_error_ ? final_error_ : wanted;
    wanted.reset();
    return error;
}

}  // namespace postrider::test
