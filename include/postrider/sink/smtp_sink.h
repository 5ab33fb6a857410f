#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/time.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/net/connector.h"
#include "postrider/protocol/smtp/dialogue.h"
#include "postrider/sink/delivery_listener.h"
#include "postrider/sink/sink.h"

namespace postrider::sink {

enum class TlsMode : std::uint8_t { none, starttls, implicit };

/// How long each wait for the server may last (RFC 5321 section 4.5.3.2).
struct SmtpTimeouts {
    Duration connect = std::chrono::seconds(30);
    Duration tls = std::chrono::seconds(30);
    Duration greeting = std::chrono::minutes(5);  ///< also EHLO, RSET
    Duration mail = std::chrono::minutes(5);
    Duration rcpt = std::chrono::minutes(5);
    Duration data = std::chrono::minutes(2);        ///< DATA to its 354
    Duration block = std::chrono::minutes(3);       ///< without progress in the content
    Duration final_dot = std::chrono::minutes(10);  ///< giving up earlier makes duplicates
    Duration idle = std::chrono::seconds(30);       ///< an unused connection is closed after it
};

/// Lines beyond 998 octets (S-008). Wrapped ones break signatures.
enum class LongLines : std::uint8_t { pass, wrap, hold };

/// NUL, which many servers refuse and some cut lines at (S-010).
enum class NulOctets : std::uint8_t { strip, pass, hold };

/// What of the content not every server can take, and what becomes of it here. Held means refused
/// without asking the server.
struct ContentPolicy {
    LongLines long_lines = LongLines::pass;
    NulOctets nul = NulOctets::pass;
    bool holds_8bit = false;  ///< where the server does not offer 8BITMIME (S-009)
};

/// A server, and whom its certificate must be for.
struct SmtpHost {
    net::Endpoint endpoint;
    net::TlsSettings tls = {};
};

struct SmtpSettings {
    std::vector<SmtpHost> hosts;  ///< at least one; each stands in for those before it
    smtp::Flavour flavour = smtp::Flavour::smtp;
    TlsMode tls = TlsMode::none;
    std::string hello_name;
    std::optional<smtp::Login> login;
    ContentPolicy content;
    bool chunking = false;
    smtp::DsnWishes dsn;
    bool tells_envid = false;       ///< the name of the delivery, where DSN is offered
    std::size_t xclient_hops = 0;   ///< the Received line that tells the client; 0: no XCLIENT
    std::size_t connections = 8;    ///< at most, for all accounts together
    std::size_t per_recipient = 0;  ///< of them, for one and the same recipient; 0: any
    SmtpTimeouts timeouts;
    std::string name;                      ///< of the destination, for the listener
    DeliveryListener* listener = nullptr;  ///< outlives the sink; nothing: nobody listens
};

/// SMTP or LMTP as a MailSink: deliveries queue, and ready connections take them; each connection
/// carries many messages, one after the other. All connections of a sink are to its own hosts, with
/// one TLS policy and one login, and no other sink has any of them (S-021). `loop`, `worker` (for
/// the keys of SCRAM) and `connector` outlive the sink.
///
/// A host that cannot be reached, turns us away or says that it takes no mail now is left alone for
/// a while, and the next one is tried; only when none is left the destination has failed. A server
/// that has had enough of a session (421, or 4xx to MAIL, after it took messages: S-019) gets
/// another one; so does a message whose connection had been closed in silence.
[[nodiscard]] std::unique_ptr<MailSink> make_smtp_sink(event::Loop& loop, event::Worker& worker,
                                                       net::Connector& connector,
                                                       SmtpSettings settings);

}  // namespace postrider::sink
