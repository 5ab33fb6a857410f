#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/mail/message.h"

namespace postrider::source {

/// One message as this session lists it.
struct RemoteMessage {
    std::uint32_t number = 0;      ///< valid in this session only
    std::string uid;               ///< opaque octets; empty: the server has none for it
    std::uint32_t occurrence = 0;  ///< 0, 1, ... among equal UIDs of this listing, by number
    std::uint64_t size = 0;        ///< as listed: advisory
};

/// The whole mailbox at one instant. Only a complete listing is ever reported.
struct Listing {
    std::vector<RemoteMessage> messages;  ///< by ascending number
};

struct Capabilities {
    /// QUIT makes the server forget what was fetched, with or without remove() (EXPIRE 0, I3).
    bool consumes_on_settle = false;
    bool can_wait = false;                       ///< the server can tell of new mail (IMAP IDLE)
    std::optional<Duration> min_login_interval;  ///< LOGIN-DELAY
    std::string peer_address;                    ///< of the server, for the Received line
    std::string transport;                       ///< "POP3" or "POP3S", for the Received line
};

/// What a session tells its owner; from the loop, never from inside a call on the session. The
/// owner must not destroy the session inside these; it hands it to Loop::defer_delete.
class SourceEvents {
  public:
    SourceEvents() = default;
    SourceEvents(const SourceEvents&) = delete;
    SourceEvents& operator=(const SourceEvents&) = delete;

    virtual void on_listed(const Listing& listing, const Capabilities& capabilities) = 0;
    virtual void on_fetched(std::uint32_t number, mail::Message message) = 0;
    /// This message cannot be had now; the session goes on.
    virtual void on_fetch_refused(std::uint32_t number, const Error& error) = 0;
    virtual void on_removed(std::uint32_t number) = 0;
    virtual void on_remove_refused(std::uint32_t number, const Error& error) = 0;
    /// The answer to settle(). An error: an unknown part of the removals took effect.
    virtual void on_settled(const Expected<void>& outcome) = 0;
    /// The session is over; nothing that was pending will be told. Removals not settled may or may
    /// not have taken effect.
    virtual void on_failed(const Error& error) = 0;

  protected:
    ~SourceEvents() = default;
};

/// One session with one mailbox. Destroying it drops the connection without settling.
class MailSource {
  public:
    MailSource() = default;
    MailSource(const MailSource&) = delete;
    MailSource& operator=(const MailSource&) = delete;
    virtual ~MailSource() = default;

    /// Connects, logs in, lists -> on_listed.
    virtual void start() = 0;
    /// -> on_fetched | on_fetch_refused, in the order of the calls. The caller bounds how much is
    /// asked for ahead.
    virtual void fetch(std::uint32_t number) = 0;
    /// -> on_removed | on_remove_refused, in the order of the calls. Takes effect when settled.
    virtual void remove(std::uint32_t number) = 0;
    /// Ends the session in good order after everything asked for -> on_settled.
    virtual void settle() = 0;
};

/// Opens sessions with one mailbox, one at a time.
class SourceFactory {
  public:
    SourceFactory() = default;
    SourceFactory(const SourceFactory&) = delete;
    SourceFactory& operator=(const SourceFactory&) = delete;
    virtual ~SourceFactory() = default;

    [[nodiscard]] virtual std::unique_ptr<MailSource> open(SourceEvents& events) = 0;
    /// Host as configured, for the Received line.
    [[nodiscard]] virtual std::string host() const = 0;
};

}  // namespace postrider::source
