#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/engine/account_poll.h"
#include "postrider/engine/plan.h"
#include "postrider/source/source.h"

#include "engine/conveyor.h"

namespace postrider::engine {

/// The states of AccountPoll and what happens in each; see there for the picture.
class AccountPoll::Machine final : private source::SourceEvents {
  public:
    Machine(Services& services, source::SourceFactory& source, Route route, AccountPolicy policy);

    void start(Progress progress, Done done);
    [[nodiscard]] bool wind_down();

  private:
    enum class State : std::uint8_t {
        idle,
        probing,
        opening,       ///< ledger, connection, login, listing
        looking,       ///< asks for the headers that the plan needs (Initial, heads_wanted)
        reconciling,   ///< what the listing taught is being recorded
        transferring,  ///< fetching and delivering
        securing,      ///< waiting for the ledger to be durable
        removing,      ///< DELEs are out
        settling,      ///< QUIT is out
        recording,     ///< what QUIT settled is being recorded
        over,
    };

    void enter(State state);
    void probe();
    void on_probed(Destination& destination, const Expected<void>& willing);
    void open();
    void on_loaded(Expected<store::AccountRecords> known);
    void await_login(Duration wait);
    void log_in();

    void on_listed(const source::Listing& listing,
                   const source::Capabilities& capabilities) override;
    void on_fetched(std::uint32_t number, mail::Message message) override;
    void on_fetch_refused(std::uint32_t number, const Error& error) override;
    void on_head(std::uint32_t number, Expected<std::string> head) override;
    void on_removed(std::uint32_t number) override;
    void on_remove_refused(std::uint32_t number, const Error& error) override;
    void on_settled(const Expected<void>& outcome) override;
    void on_failed(const Error& error) override;

    void make_plan();
    [[nodiscard]] AccountPolicy policy_of_session() const;
    [[nodiscard]] std::vector<store::Change> changes_before_transfers();
    void begin_transfers();
    void on_conveyed(std::optional<Error> local_fault);

    void secure();
    [[nodiscard]] std::vector<store::Change> verified_changes() const;
    void add_consumed(std::vector<store::Change>& changes);
    void remove_all();
    [[nodiscard]] Job take_removal(std::uint32_t number);
    void end_removals_if_done();
    void settle();
    void after_settling();
    [[nodiscard]] bool may_be_more() const;
    void go_on();
    void remember_quirks();

    /// Records and goes on with `next`; a failing ledger ends the poll.
    void write(std::vector<store::Change> changes, std::function<void()> next);
    void drop_session();
    void finish(std::optional<Error> error);

    Services& services_;
    source::SourceFactory& source_;
    const Route route_;
    const AccountPolicy policy_;
    Progress progress_;
    Done done_;
    State state_ = State::idle;
    PollReport report_;
    MonotonicTime started_{};

    store::AccountRecords known_;
    source::Listing listing_;
    source::Capabilities capabilities_;
    Origin origin_;
    Plan plan_;
    MonotonicTime listed_at_{};            ///< the login was before
    ContentKeys contents_;                 ///< of what has no UID and has shown its content
    std::deque<std::size_t> heads_asked_;  ///< without an answer: positions in listing_
    std::size_t secured_before_ = 0;       ///< delivered or held, by earlier sessions of this poll
    bool is_settling_session_ = false;     ///< no RETR in this session (I3)
    bool is_winding_down_ = false;         ///< no other session after this one

    std::deque<Job> to_remove_;           ///< DELEs without an answer, in order
    std::size_t removed_ = 0;             ///< DELEs with a good answer
    std::vector<store::Change> settled_;  ///< what is to be recorded after a good QUIT

    std::unique_ptr<event::Timer> soon_;
    std::vector<std::unique_ptr<event::Operation>> probes_;
    std::size_t probed_ = 0;
    std::unique_ptr<event::Operation> operation_;
    std::unique_ptr<Conveyor> conveyor_;
    std::unique_ptr<source::MailSource> session_;
};

}  // namespace postrider::engine
