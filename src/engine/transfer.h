#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/engine/plan.h"
#include "postrider/engine/policy.h"
#include "postrider/engine/route.h"
#include "postrider/engine/services.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/message.h"
#include "postrider/mail/outgoing.h"

#include "engine/judgement.h"

namespace postrider::engine {

/// Where the message came from.
struct Origin {
    // For our Received line:
    std::string host;
    std::string address;
    std::string transport;
    /// Its server forgets it at QUIT, or may do so (I3).
    bool consumes_on_settle = false;
};

/// How a transfer ended. The record is what the ledger says now.
struct TransferResult {
    store::MessageRecord record;
    bool was_delivered = false;  ///< some recipient got it in this transfer
    bool was_discarded = false;  ///< some destination refused it, and nobody wants it
    bool was_bounced = false;    ///< some destination refused it, and its sender was told
    bool was_known = false;      ///< its content had reached its end before
    bool was_skipped = false;    ///< no mail, but data of the server (S-026)
    std::string trouble;         ///< why it was put off or held; empty if neither
    /// The state could not be written: stop fetching and deleting.
    std::optional<Error> local_fault;

    /// Nothing more is to be done for it: it may leave the server, as far as a consuming server
    /// takes it by itself (I3).
    [[nodiscard]] bool is_secured() const {
        return !local_fault && record.phase != store::Phase::seen;
    }
};

/// The way of one received message: envelope, delivery to each destination that lacks it, a held
/// copy of what was refused, and the record of it all. The destinations take it only after
/// commit(), and it ends only when the ledger has written: who commits the next one then
/// leaves at most one delivery of each destination in doubt.
///
///   start() -> delivering --all have answered--> [holding, bouncing ->] recording -> done
class Transfer {
  public:
    using Answered = std::function<void()>;
    using Done = std::function<void(TransferResult)>;

    /// What it refers to outlives it.
    Transfer(Services& services, const Route& route, const AccountPolicy& policy,
             const Origin& origin, Job job);

    /// `answered`: the destinations have no more to say of this message, what is left is to write
    /// it down; then `done`. Both run at most once, from the loop, never after ~Transfer.
    void start(mail::Message message, Answered answered, Done done);

    /// The destinations may take the message now.
    void commit();
    [[nodiscard]] bool is_answered() const { return is_answered_; }

  private:
    /// The way to one destination.
    struct Leg {
        Destination* destination;
        std::vector<mail::Address> recipients;  ///< who is to get it there
        std::unique_ptr<sink::Delivery> delivery = nullptr;
        std::optional<sink::DeliveryReport> report = std::nullopt;
        std::vector<Refused> held = {};
        std::vector<Refused> bounced = {};
        bool is_unfit = false;  ///< to be held without asking anybody
    };

    void forget_other_content();
    [[nodiscard]] bool is_known_content(const mail::Digest& sha256);
    [[nodiscard]] Expected<void> prepare(mail::Message message);
    void address(std::string_view header, const mail::HeaderScan& scan);
    [[nodiscard]] std::string trace_of(const mail::Message& message);
    void begin(Leg& leg);
    static void end_leg(Leg& leg, sink::Outcome outcome, const std::string& why);
    void hand_over();
    void commit_legs();
    void on_report(Leg& leg, sink::DeliveryReport report);
    void tell_destination(const Leg& leg);
    [[nodiscard]] Judgement judged(const Leg& leg) const;
    [[nodiscard]] bool is_all_reported() const;
    void on_all_reported();
    void take(Leg& leg, Judgement judgement);
    void settle_refused();
    void hold(Leg& leg);
    [[nodiscard]] store::HeldMessage held_message(const Leg& leg) const;
    void settle(Leg& leg, std::vector<Refused>& done);
    void bounce();
    void on_bounced(const sink::DeliveryReport& report);
    void end_bounce(Fate fate, const std::string& words);
    void put_off(const std::string& why);
    [[nodiscard]] std::string named(const Leg& leg, const std::string& words) const;
    [[nodiscard]] static bool is_in_doubt(const Leg& leg);
    [[nodiscard]] bool has_news() const;
    void record();
    void take_stock();
    void fail(const Error& error);
    void end();

    Services& services_;
    const Route& route_;
    const AccountPolicy& policy_;
    const Origin& origin_;
    Job job_;
    Answered answered_;
    Done done_;
    bool is_committed_ = false;
    bool is_answered_ = false;

    std::string delivery_id_;
    mail::Envelope envelope_;  ///< of all recipients
    std::string unfit_;        ///< why it is not handed over to anybody; empty if it is
    // Owners: this transfer, and the sinks or held store while they work on it.
    std::shared_ptr<const mail::OutgoingMessage> outgoing_;
    std::list<Leg> legs_;  ///< deliveries refer to them
    std::uint32_t failures_before_ = 0;
    bool has_intent_ = false;     ///< the ledger was told what is about to be handed over
    bool has_held_copy_ = false;  ///< some copy was held now
    bool is_put_off_ = false;
    TransferResult result_;
    std::unique_ptr<sink::Delivery> bouncing_;
    std::unique_ptr<event::Operation> operation_;
    std::unique_ptr<event::Timer> reported_soon_;
    std::unique_ptr<event::Timer> end_soon_;
};

}  // namespace postrider::engine
