#pragma once

#include <string>

#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/engine/policy.h"
#include "postrider/mail/message.h"
#include "postrider/net/command_connector.h"
#include "postrider/sink/command_sink.h"
#include "postrider/sink/maildir_sink.h"
#include "postrider/sink/smtp_sink.h"
#include "postrider/source/pop3_source.h"

namespace postrider::app {

// From what the configuration says to what the adapters and the engine take. Pure.

[[nodiscard]] source::Pop3Settings pop3_settings(const config::AccountConfig& account,
                                                 const mail::Spool& spool);

/// `own_host`: what to say in EHLO if the destination names nothing else.
[[nodiscard]] sink::SmtpSettings smtp_settings(const config::DestinationConfig& destination,
                                               const std::string& own_host);

[[nodiscard]] sink::MaildirSettings maildir_settings(const config::DestinationConfig& destination);

[[nodiscard]] net::CommandTransport command_transport(const config::AccountConfig& account,
                                                      const config::Environment& environment);

[[nodiscard]] sink::CommandSettings command_settings(const config::DestinationConfig& destination,
                                                     const config::Environment& environment);

[[nodiscard]] engine::AccountPolicy account_policy(const config::AccountConfig& account);

/// A host name fit for EHLO and trace lines (S-014): `name` if it consists of letters, digits,
/// hyphens and dots, otherwise an address literal.
[[nodiscard]] std::string safe_host_name(const std::string& name);

}  // namespace postrider::app
