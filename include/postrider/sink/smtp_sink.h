#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "postrider/base/time.h"
#include "postrider/event/loop.h"
#include "postrider/net/connector.h"
#include "postrider/protocol/smtp/dialogue.h"
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

struct SmtpSettings {
    net::Endpoint endpoint;
    smtp::Flavour flavour = smtp::Flavour::smtp;
    TlsMode tls = TlsMode::none;
    net::TlsSettings tls_settings;
    std::string hello_name;
    std::size_t connections = 8;  ///< at most, for all accounts together
    SmtpTimeouts timeouts;
};

/// SMTP or LMTP as a MailSink: deliveries queue, and ready connections take them; each connection
/// carries many messages, one after the other. `loop` and `connector` outlive the sink.
[[nodiscard]] std::unique_ptr<MailSink> make_smtp_sink(event::Loop& loop, net::Connector& connector,
                                                       SmtpSettings settings);

}  // namespace postrider::sink
