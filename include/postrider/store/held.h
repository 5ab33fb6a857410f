#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/event/operation.h"
#include "postrider/mail/envelope.h"
#include "postrider/mail/outgoing.h"

namespace postrider::store {

/// A message that a destination refused, with what is needed to try again.
struct HeldMessage {
    std::string delivery_id;  ///< names the copy: holding twice leaves one
    std::string account;
    std::string uid;
    std::string destination;  ///< which refused it
    mail::Envelope envelope;  ///< the recipients that were refused
    WallTime held_at{};
    std::uint32_t retries = 0;  ///< that were refused again
    std::string reason;         ///< of the last refusal; escaped
};

using HoldDone = std::function<void(Expected<void>)>;

/// Keeps durable copies of refused messages: a Maildir anyone can read under <state_dir>/held, a
/// small JSON file with the envelope beside each.
class HeldStore {
  public:
    HeldStore() = default;
    HeldStore(const HeldStore&) = delete;
    HeldStore& operator=(const HeldStore&) = delete;
    virtual ~HeldStore() = default;

    /// `done` without an error means: message, envelope and directory are on disk (fsync). Owners
    /// of `message`: the transfer it belongs to and, until it has ended, the job that writes it.
    [[nodiscard]] virtual std::unique_ptr<event::Operation> hold(
        const HeldMessage& what, std::shared_ptr<const mail::OutgoingMessage> message,
        HoldDone done) = 0;
};

}  // namespace postrider::store
