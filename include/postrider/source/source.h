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

/// Of a header no more than this is handed out by MailSource::head().
inline constexpr std::size_t kMaxHead = 64UL * 1024;

/// One message as this session lists it.
struct RemoteMessage {
    std::uint32_t number = 0;      ///< valid in this session only
    std::string uid;               ///< opaque octets; empty: the server has none for it
    std::uint32_t occurrence = 0;  ///< 0, 1, ... among equal UIDs of this listing, by number
    std::uint64_t size = 0;        ///< as listed: advisory
    /// When the server received it, if its header was asked for and tells.
    std::optional<WallTime> dated = std::nullopt;
    /// Octets of header fields that servers write for themselves, if its header was asked for.
    std::optional<std::uint64_t> fields_of_server = std::nullopt;
};

/// The whole mailbox at one instant. Only a complete listing is ever reported.
struct Listing {
    std::vector<RemoteMessage> messages;  ///< by ascending number
    bool has_uids = true;                 ///< false: the server does not know UIDL at all (P-034)
};

/// What sessions have learned of a server that does not do what it says. Remembered for a while and
/// given to the next session.
struct Quirks {
    bool no_capa = false;        ///< ends the connection when it is asked CAPA (P-007)
    bool no_pipelining = false;  ///< offers it, and has lost a session in the midst of it (P-022)
    /// It was never listed: what its first session learns before the listing is not remembered.
    bool is_new = false;
    bool operator==(const Quirks&) const = default;
};

struct Capabilities {
    /// QUIT makes the server forget what was fetched, with or without remove() (EXPIRE 0, I3), or
    /// may do so: nobody could ask it.
    bool consumes_on_settle = false;
    /// It says so: no mail may be left there (RFC 2449 section 6.7).
    bool forbids_keeping = false;
    bool can_wait = false;                       ///< the server can tell of new mail (IMAP IDLE)
    bool has_heads = true;                       ///< head() is worth asking
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
    /// The header as the server sends it, cut to kMaxHead octets, or why it cannot be had.
    virtual void on_head(std::uint32_t number, Expected<std::string> head) = 0;
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
    /// The header alone, which no server takes for reading -> on_head, in the order of the calls.
    virtual void head(std::uint32_t number) = 0;
    /// -> on_removed | on_remove_refused, in the order of the calls. Takes effect when settled.
    virtual void remove(std::uint32_t number) = 0;
    /// Ends the session in good order after everything asked for -> on_settled.
    virtual void settle() = 0;
    /// What is known of the server's quirks by now; stays true when the session has ended.
    [[nodiscard]] virtual Quirks quirks() const { return {}; }
    /// LOGIN-DELAY, as far as the server has told it by now; stays true when the session has ended.
    [[nodiscard]] virtual std::optional<Duration> min_login_interval() const { return {}; }
};

/// Opens sessions with one mailbox, one at a time.
class SourceFactory {
  public:
    SourceFactory() = default;
    SourceFactory(const SourceFactory&) = delete;
    SourceFactory& operator=(const SourceFactory&) = delete;
    virtual ~SourceFactory() = default;

    /// `quirks`: what earlier sessions have learned.
    [[nodiscard]] virtual std::unique_ptr<MailSource> open(SourceEvents& events,
                                                           const Quirks& quirks) = 0;
    /// Host as configured, for the Received line.
    [[nodiscard]] virtual std::string host() const = 0;
};

}  // namespace postrider::source
