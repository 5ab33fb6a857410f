#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/engine/destination.h"
#include "postrider/engine/plan.h"
#include "postrider/engine/policy.h"
#include "postrider/engine/services.h"
#include "postrider/mail/message.h"
#include "postrider/mail/outgoing.h"

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
    std::string trouble;         ///< why it was put off or held; empty if neither
    /// The state could not be written: stop fetching and deleting.
    std::optional<Error> local_fault;

    /// Nothing more is to be done for it: it may leave the server, as far as a consuming server
    /// takes it by itself (I3).
    [[nodiscard]] bool is_secured() const {
        return !local_fault && record.phase != store::Phase::seen;
    }
};

/// The way of one received message: envelope, delivery, a held copy of what was refused, and the
/// record of it all. The destination takes it only after commit(), and it ends only when the ledger
/// has written: who commits the next one then leaves at most one delivery in doubt.
///
///   start() -> delivering --answer--> [holding ->] recording -> done
class Transfer {
  public:
    using Answered = std::function<void()>;
    using Done = std::function<void(TransferResult)>;

    /// What it refers to outlives it.
    Transfer(Services& services, Destination& destination, const AccountPolicy& policy,
             const Origin& origin, Job job);

    /// `answered`: the destination has no more to say of this message, what is left is to write it
    /// down; then `done`. Both run at most once, from the loop, never after ~Transfer.
    void start(mail::Message message, Answered answered, Done done);

    /// The destination may take the message now.
    void commit();
    [[nodiscard]] bool is_answered() const { return is_answered_; }

  private:
    void forget_other_content();
    [[nodiscard]] bool is_known_content(const mail::Digest& sha256);
    [[nodiscard]] Expected<void> prepare(mail::Message message);
    void on_report(const sink::DeliveryReport& report);
    void judge(const sink::Verdict& verdict, const mail::Address& recipient,
               const sink::DeliveryReport& report);
    void tell_destination(const sink::DeliveryReport& report);
    void hold_refused();
    void put_off(const std::string& why);
    [[nodiscard]] bool has_news() const;
    void record();
    void end();

    Services& services_;
    Destination& destination_;
    const AccountPolicy& policy_;
    const Origin& origin_;
    Job job_;
    Answered answered_;
    Done done_;
    bool is_committed_ = false;
    bool is_answered_ = false;

    std::string delivery_id_;
    mail::Envelope envelope_;
    // Owners: this transfer, and the sink or held store while they work on it.
    std::shared_ptr<const mail::OutgoingMessage> outgoing_;
    std::vector<mail::Address> refused_;
    bool has_held_copy_ = false;
    bool is_put_off_ = false;
    TransferResult result_;
    std::unique_ptr<sink::Delivery> delivery_;
    std::unique_ptr<event::Operation> operation_;
    std::unique_ptr<event::Timer> end_soon_;
};

}  // namespace postrider::engine
