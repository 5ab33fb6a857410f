#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "postrider/engine/account_poll.h"
#include "postrider/engine/memory_budget.h"
#include "postrider/engine/plan.h"
#include "postrider/source/source.h"

#include "engine/transfer.h"

namespace postrider::engine {

/// Carries the messages of one session from the server to the destination: asks for some ahead, as
/// far as kInFlight and the memory of all accounts allow, and delivers one after the other, in
/// order. While the ledger writes what became of one, the next is on its way, but not committed
/// before that is written: a crash leaves at most one delivery of an account in doubt (I5).
class Conveyor {
  public:
    /// Ran out of work, or `local_fault`: the local state cannot be written, do nothing more.
    using Done = std::function<void(std::optional<Error> local_fault)>;

    /// What the conveyor works on; its owner's, which outlives it.
    struct Load {
        const std::vector<Job>& jobs;
        Records& records;       ///< kept as the ledger has them
        ContentKeys& contents;  ///< filled in, for what has no UID
        PollReport& report;     ///< counted up
        const Origin& origin;
        const AccountPolicy& policy;
        /// The server forgets at QUIT what was fetched: only what all destinations can take is
        /// (I3).
        bool is_consuming = false;
        /// Before this time the server allows no next login: no reason to end the session early.
        MonotonicTime next_login_at{};
    };

    Conveyor(Services& services, const Route& route, Load load, std::function<void()> on_progress,
             Done done);

    /// `session` is where to fetch from; it outlives the conveyor or ends by session_lost().
    /// `done` may come from inside if there is nothing to do.
    void start(source::MailSource& session);

    void on_fetched(std::uint32_t number, mail::Message message);
    void on_fetch_refused(std::uint32_t number, const Error& error);
    /// The session is gone. What was received whole is still delivered: it is known then, and not
    /// fetched again.
    void session_lost(const Error& error);

    /// Asks for no more, for this reason; what was asked for is still received and delivered.
    void wind_down(const Error& why);

    /// Fetched in this session, and neither delivered nor held: lost if the server forgot it now.
    [[nodiscard]] bool has_unsecured() const { return unsecured_ > 0; }
    /// commit_every has ended the work before all was fetched.
    /// Something that the server was to forget at an earlier QUIT was fetched once more.
    [[nodiscard]] bool has_met_leftover() const { return has_met_leftover_; }

    [[nodiscard]] bool has_more() const { return is_enough_ && next_fetch_ < load_.jobs.size(); }
    /// Why not all was fetched, if so.
    [[nodiscard]] const std::optional<Error>& stopped_by() const { return stopped_by_; }

  private:
    /// A message that was received and waits for its delivery.
    struct Received {
        const Job* job;
        mail::Message message;
    };

    void fetch_more();
    [[nodiscard]] std::optional<Error> nobody_takes(const Job& job) const;
    [[nodiscard]] bool is_time_to_commit() const;
    [[nodiscard]] Job with_content_key(const Job& job, const mail::Digest& sha256);
    [[nodiscard]] const Job& take_asked(std::uint32_t number);
    void release(const Job& job);
    void on_empty(std::uint32_t number, std::uint64_t listed);
    void count_refusal(const Job& job, const Error& error);
    void deliver_next();
    [[nodiscard]] bool can_deliver() const;
    void put_off_received();
    void put_off_uncommitted();
    void on_transferred(const Transfer& transfer, TransferResult result);
    void count(const TransferResult& result);
    void log(const Job& job, const TransferResult& result);
    void stop(const Error& why);
    void end_if_done();
    void end(std::optional<Error> local_fault);

    /// A delivery under way, or answered and being recorded.
    struct UnderWay {
        const Job* job;
        std::unique_ptr<Transfer> transfer;
    };

    Services& services_;
    const Route& route_;
    Load load_;
    std::function<void()> on_progress_;
    Done done_;
    bool is_over_ = false;

    source::MailSource* session_ = nullptr;
    std::size_t next_fetch_ = 0;
    std::uint64_t messages_asked_ = 0;
    std::uint64_t octets_asked_ = 0;
    MonotonicTime started_{};
    bool is_enough_ = false;  ///< no more is asked for in this session (R-007)
    bool has_met_leftover_ = false;
    std::deque<const Job*> asked_;  ///< fetches without an answer, in order
    std::deque<Received> received_;
    std::uint64_t in_flight_ = 0;  ///< weights of what was asked for and is not yet delivered
    bool is_full_ = false;         ///< kInFlight was reached, and not yet half of it freed
    std::size_t unsecured_ = 0;
    std::size_t refusals_in_row_ = 0;
    std::optional<Error> stopped_by_;
    std::unique_ptr<event::Timer> ending_;

    MemoryBudget::Share memory_;
    std::vector<std::unique_ptr<event::Operation>> side_writes_;
    /// At most two, and only the first is committed; the second waits for its record.
    std::deque<UnderWay> under_way_;
};

}  // namespace postrider::engine
