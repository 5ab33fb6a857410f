#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "postrider/engine/held_records.h"
#include "postrider/event/loop.h"
#include "postrider/mail/message.h"
#include "postrider/sink/sink.h"
#include "postrider/store/held_copies.h"
#include "postrider/store/ledger.h"

namespace postrider::app {

/// Takes messages out of the held store, one after the other: delivers them again, or gives them
/// up. What is out of it is recorded durably in the ledger before its copy goes; a crash between
/// leaves a copy, which is known then not to be wanted any more.
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
    /// The sink of a destination; nothing if the configuration has no such one.
    using FindSink = std::function<sink::MailSink*(const std::string& destination)>;
    using OnResult = std::function<void(const Result&)>;
    /// An error of the local state: nothing more was done.
    using Done = std::function<void(Expected<void>)>;

    struct Place {
        event::Loop& loop;
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

  private:
    void next();
    void with_records(std::function<void(const std::vector<store::MessageRecord>&)> use);
    void deliver_next();
    [[nodiscard]] const std::string& destination_of(const store::HeldRefusal& refusal) const;
    void deliver(const store::HeldRefusal& refusal, sink::MailSink& sink);
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
    std::unique_ptr<sink::Delivery> delivery_;
    std::unique_ptr<event::Operation> operation_;
};

}  // namespace postrider::app
