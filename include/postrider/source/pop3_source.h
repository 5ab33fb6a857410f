#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "postrider/base/secret.h"
#include "postrider/base/time.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/mail/message.h"
#include "postrider/net/connector.h"
#include "postrider/protocol/pop3/dialogue.h"
#include "postrider/protocol/pop3/transcript.h"
#include "postrider/source/source.h"

namespace postrider::source {

enum class TlsMode : std::uint8_t { none, starttls, implicit };

/// How long each wait for the server may last (design section 6, P-029).
struct Pop3Timeouts {
    Duration connect = std::chrono::seconds(30);
    Duration tls = std::chrono::seconds(30);
    Duration greeting = std::chrono::seconds(60);
    Duration login = std::chrono::seconds(300);  ///< servers index the mailbox at PASS
    Duration reply = std::chrono::seconds(120);  ///< without any progress
    Duration quit = std::chrono::seconds(120);   ///< deletions happen now
    Duration session = std::chrono::hours(1);    ///< all of it
};

/// Does QUIT make the server forget what was fetched (I3)? `automatic`: if it says EXPIRE 0.
enum class Consumes : std::uint8_t { automatic, yes, no };

struct Pop3Settings {
    net::Endpoint endpoint;
    net::Via via = {};
    TlsMode tls = TlsMode::implicit;
    bool allow_cleartext = false;  ///< TlsMode::none to a server that is not on this machine
    net::TlsSettings tls_settings;
    pop3::AuthMethod auth = pop3::AuthMethod::automatic;
    std::string user;
    Secret password;
    /// Fetches the OAuth 2.0 token for the next session; empty: there is none. May block, and runs
    /// on a worker: it must own what it touches.
    std::function<Expected<Secret>()> fetch_token;
    net::BindingKind channel_binding = net::BindingKind::automatic;  ///< for SCRAM -PLUS
    bool pipelining = true;
    Consumes consumes = Consumes::automatic;
    bool fetch_with_top = false;  ///< TOP instead of RETR, for servers that take RETR for reading
    /// A message of more octets is given up in the midst of it, and the session with it.
    std::optional<std::uint64_t> max_message_size;
    bool utf8 = false;         ///< UTF8 before the login (RFC 6856)
    std::string lang;          ///< LANG before the login (RFC 6856); empty: not asked
    std::string login_advice;  ///< what else may be wrong when this provider refuses a login
    Pop3Timeouts timeouts;
    std::uint64_t min_rate = 100;  ///< octets a second of a message being received; 0: any
    Duration min_rate_over = std::chrono::seconds(60);
    mail::Spool spool;
    /// Who may listen; may be empty. Owners: whoever made it and the sessions.
    std::shared_ptr<pop3::Transcript> transcript = nullptr;
};

/// POP3 as a MailSource: one pop3::Dialogue on one stream, under deadlines. `worker` does what
/// takes a while before a login (tokens, the keys of SCRAM). `loop`, `worker` and `connector`
/// outlive the factory and its sessions.
[[nodiscard]] std::unique_ptr<SourceFactory> make_pop3_source(event::Loop& loop,
                                                              event::Worker& worker,
                                                              net::Connector& connector,
                                                              Pop3Settings settings);

}  // namespace postrider::source
