#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/store/ledger.h"

namespace postrider::test {

/// A ledger without files, on any loop, for tests of those who use one. It keeps the contract of
/// Ledger, and lets a test break things, hold answers back and look at the order of what was asked.
///
/// What is asked for takes effect at once, in the order of the calls; the answers come on later
/// turns of the loop, in that order too.
class MemoryLedger final : public store::Ledger {
  public:
    /// What was asked for, in order.
    struct Call {
        enum class Kind { load, write, sync };
        Kind kind = Kind::load;
        std::string account;                 ///< load, write
        std::vector<store::Change> changes;  ///< write
    };
    using Records = std::map<store::MessageKey, store::MessageRecord>;

    explicit MemoryLedger(event::Loop& loop);
    MemoryLedger(const MemoryLedger&) = delete;
    MemoryLedger& operator=(const MemoryLedger&) = delete;
    ~MemoryLedger() override;

    [[nodiscard]] std::unique_ptr<event::Operation> load(const std::string& account,
                                                         store::LoadDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> write(const std::string& account,
                                                          std::vector<store::Change> changes,
                                                          store::WriteDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> sync(store::WriteDone done) override;
    [[nodiscard]] const Secret& installation_key() const override { return key_; }

    // Breaking things. An error with Retry::never is final, as the contract says: everything
    // asked for later fails with it.

    /// The next load, write or sync fails; a failed write changes nothing.
    void fail_next_load(Error error) { next_load_error_ = std::move(error); }
    void fail_next_write(Error error) { next_write_error_ = std::move(error); }
    void fail_next_sync(Error error) { next_sync_error_ = std::move(error); }

    /// Answers wait until release() or release_one().
    void hold_answers() { holding_ = true; }
    void release();
    void release_one();
    [[nodiscard]] std::size_t held_answers() const { return answers_.size(); }

    // Looking.

    [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
    [[nodiscard]] bool is_known(const std::string& account) const;
    [[nodiscard]] Records records(const std::string& account) const;
    [[nodiscard]] std::optional<store::MessageRecord> record(const std::string& account,
                                                             const store::MessageKey& key) const;
    [[nodiscard]] store::AccountState state(const std::string& account) const;

    /// As record(), but what a power cut would leave: what the last answered sync covers.
    [[nodiscard]] std::optional<store::MessageRecord> durable_record(
        const std::string& account, const store::MessageKey& key) const;

    /// A power cut and a start: forgets what no answered sync covers, and every answer under way.
    void cut_power();

  private:
    struct Account {
        store::AccountState state;
        Records records;
    };
    using Accounts = std::map<std::string, Account>;

    template <class Result>
    [[nodiscard]] std::unique_ptr<event::Operation> answer(
        std::function<void(Expected<Result>)> done, Expected<Result> result);
    void enqueue(std::function<void()> give_answer);
    void post_one();

    /// The final failure, or the one wanted for this call.
    [[nodiscard]] std::optional<Error> take_error(std::optional<Error>& wanted);

    event::Loop& loop_;
    Secret key_;
    Accounts accounts_;
    Accounts durable_;
    std::vector<Call> calls_;
    std::optional<Error> next_load_error_;
    std::optional<Error> next_write_error_;
    std::optional<Error> next_sync_error_;
    std::optional<Error> final_error_;

    bool holding_ = false;
    std::deque<std::function<void()>> answers_;  ///< held back
    /// Owned by us and by what is deferred, which looks whether we are still there, and whether
    /// the power was cut meanwhile.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postrider::test
