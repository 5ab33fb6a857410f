#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/event/operation.h"
#include "postrider/mail/envelope.h"
#include "postrider/mail/outgoing.h"

namespace postrider::sink {

enum class Outcome : std::uint8_t {
    delivered,  ///< the destination has durably taken responsibility
    later,      ///< not now: 4xx, or never got that far
    refused,    ///< 5xx: not this message to this recipient
    ambiguous,  ///< all was sent and no answer came (W5)
};

/// What became of one recipient.
struct Verdict {
    Outcome outcome = Outcome::later;
    int code = 0;          ///< SMTP reply code, 0 if there was none
    std::string enhanced;  ///< "5.7.1" or empty
    std::string text;      ///< the destination's words (escaped, cut), or what happened instead
};

struct DeliveryReport {
    std::vector<Verdict> verdicts;  ///< one per recipient of the envelope, in its order
    /// Set when it was not this message but the destination that failed. Retry::later: down or
    /// busy, pause it; Retry::never: misconfigured (530, 535, 538, 5xx to EHLO), stop it, hold
    /// nothing.
    std::optional<Error> fault;
    /// The connection ended in the midst of this message, and nobody knows whether it was the
    /// message's doing or the destination's. `fault` is set then.
    bool hung_up = false;
};

using DeliveryDone = std::function<void(DeliveryReport)>;
using ProbeDone = std::function<void(Expected<void>)>;

/// A delivery under way. Destroying it aborts: nothing is accepted that was not already complete.
class Delivery : public event::Operation {
  public:
    /// Lets the destination take responsibility. Until then all may be prepared, down to the
    /// content being sent, but what completes it (the final dot) waits. What has ended already, or
    /// was committed before, does not notice.
    virtual void commit() = 0;
};

/// One destination for mail. Serves many accounts; decides itself how many connections it keeps.
class MailSink {
  public:
    MailSink() = default;
    MailSink(const MailSink&) = delete;
    MailSink& operator=(const MailSink&) = delete;
    virtual ~MailSink() = default;

    /// Prepares the delivery of one message; it ends only after commit(), or before if it fails.
    /// Owners of `message`: the transfer it belongs to and the delivery under way.
    [[nodiscard]] virtual std::unique_ptr<Delivery> deliver(
        const mail::Envelope& envelope, std::shared_ptr<const mail::OutgoingMessage> message,
        DeliveryDone done) = 0;

    /// Is the destination there and willing? The error's retry says as in DeliveryReport.
    [[nodiscard]] virtual std::unique_ptr<event::Operation> probe(ProbeDone done) = 0;
};

}  // namespace postrider::sink
