#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/engine/held_records.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/mail/message.h"
#include "postrider/sink/sink.h"
#include "postrider/store/held_copies.h"
#include "postrider/store/ledger.h"

namespace postrider::app {

/// Takes messages out of the held store, one after the other: delivers them again, or gives them
/// up. What is out of it is recorded durably in the ledger before its copy goes; a crash between
/// leaves a copy, which is known then not to be wanted any more.
///
/// No poll of the accounts whose messages these are may be under way: each would write the records
/// of the other.
class HeldWork {
  public:
    enum class Outcome : std::uint8_t {
        delivered,  ///< at last, to all
        known,      ///< had been delivered or given up before: only the copy was left
        refused,    ///< again
        put_off,    ///< not now
        dropped,
    };
    struct Result {
        std::string id;
        Outcome outcome = Outcome::put_off;
        std::string answer;  ///< of the destination, or what went wrong
    };
    /// The sink of a destination; null if the configuration has no such one. Owners: whoever has
    /// it, and a delivery to it.
    using FindSink = std::function<std::shared_ptr<sink::MailSink>(const std::string& destination)>;
    using OnResult = std::function<void(const Result&)>;
    /// An error of the local state: nothing more was done.
    using Done = std::function<void(Expected<void>)>;

    struct Place {
        event::Loop& loop;
        event::Worker& worker;  ///< for files
        store::Ledger& ledger;
        store::HeldCopies copies;
        mail::Spool spool;
    };

    /// What `place` refers to outlives it.
    HeldWork(Place place, OnResult on_result, Done done);

    /// What is to be otherwise than it was.
    struct Other {
        std::string destination;                ///< empty: the one that refused
        std::vector<mail::Address> recipients;  ///< empty: those who did not get it
    };
    void retry(std::vector<store::HeldCopy> copies, FindSink find_sink, Other other);
    void drop(std::vector<store::HeldCopy> copies);
    /// The message that is being worked on is the last one.
    void wind_down() { waiting_.clear(); }

  private:
    void on_disk(std::function<Expected<void>()> job, std::function<void()> then);
    void next();
    void with_records(std::function<void(const std::vector<store::MessageRecord>&)> use);
    void deliver_next();
    [[nodiscard]] const std::string& destination_of(const store::HeldRefusal& refusal) const;
    void deliver(const store::HeldRefusal& refusal);
    void on_report(const sink::DeliveryReport& report);
    void note(Outcome outcome, const std::string& answer);
    void settle_refusal();
    void release(Outcome outcome, const std::string& note);
    void take_out(Outcome outcome, const std::string& note);
    void end_copy();
    void fail(const Error& error);

    Place place_;
    OnResult on_result_;
    Done done_;
    FindSink find_sink_;
    Other other_;
    bool is_dropping_ = false;

    std::deque<store::HeldCopy> waiting_;
    std::map<std::string, engine::RecordsById> records_;  ///< by account
    std::map<std::string, std::string> down_;             ///< destinations in trouble, and which

    store::HeldCopy copy_;     ///< the one that is being worked on
    std::size_t refusal_ = 0;  ///< of it
    Result result_;
    std::string delivered_answer_;
    std::shared_ptr<sink::MailSink> sink_;  ///< of the delivery
    std::unique_ptr<sink::Delivery> delivery_;
    std::unique_ptr<event::Operation> operation_;
};

/// As the command line and the control socket call it.
[[nodiscard]] std::string_view to_text(HeldWork::Outcome outcome);
[[nodiscard]] std::optional<HeldWork::Outcome> held_outcome(std::string_view text);

}  // namespace postrider::app
