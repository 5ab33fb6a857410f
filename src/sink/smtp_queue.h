#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "postrider/mail/envelope.h"
#include "postrider/mail/outgoing.h"
#include "postrider/sink/sink.h"

#include "sink/smtp_connection.h"

namespace postrider::sink {

/// A delivery or a probe that waits for a connection or has one. Its caller owns it, and its owner
/// in the sink is told when it goes.
class SmtpJob final : public Delivery {
  public:
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;

        /// The caller wants no more of it.
        virtual void forget(SmtpJob& job) = 0;

      protected:
        ~Owner() = default;
    };

    explicit SmtpJob(Owner& owner) : owner_(&owner) {}
    SmtpJob(const SmtpJob&) = delete;
    SmtpJob& operator=(const SmtpJob&) = delete;
    ~SmtpJob() override;

    void commit() override;

    /// The sink knows it no more: it has ended.
    void detach() { owner_ = nullptr; }
    [[nodiscard]] bool is_probe() const { return message == nullptr; }

    mail::Envelope envelope;
    // Owners: the transfer, this job, and the connection that carries it. Empty for a probe.
    std::shared_ptr<const mail::OutgoingMessage> message;
    DeliveryDone on_delivered;
    ProbeDone on_probed;
    SmtpConnection* connection = nullptr;
    std::size_t retries = 0;  ///< then only a connection that has done nothing yet will do
    bool is_committed = false;

  private:
    Owner* owner_;
};

/// Those who wait, in order; who waits for a recipient that has enough connections is overtaken
/// (S-020).
class SmtpQueue {
  public:
    /// `per_recipient`: deliveries to one recipient at the same time; 0: any.
    explicit SmtpQueue(std::size_t per_recipient) : per_recipient_(per_recipient) {}

    void push_back(SmtpJob& job) { jobs_.push_back(&job); }
    void push_front(SmtpJob& job) { jobs_.push_front(&job); }
    [[nodiscard]] bool empty() const { return jobs_.empty(); }

    /// The next one that may begin on such a connection; it then counts as begun. Null: none.
    [[nodiscard]] SmtpJob* take(bool is_fresh);
    /// What was taken has ended, or is put back.
    void ended(const SmtpJob& job);
    void forget(const SmtpJob& job);
    [[nodiscard]] std::deque<SmtpJob*> take_all();

    /// How many could begin at the same time, up to `most`.
    [[nodiscard]] std::size_t startable(std::size_t most) const;
    /// Somebody who may begin needs a connection that has done nothing yet.
    [[nodiscard]] bool wants_fresh() const;

  private:
    using Counts = std::map<std::string, std::size_t>;

    [[nodiscard]] std::vector<std::string> limited(const SmtpJob& job) const;
    [[nodiscard]] bool may_begin(const SmtpJob& job, const Counts& busy) const;

    std::size_t per_recipient_;
    std::deque<SmtpJob*> jobs_;
    Counts busy_;  ///< recipients of what was taken; unused without a limit
};

}  // namespace postrider::sink
