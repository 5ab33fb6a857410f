#pragma once

#include <string>

#include "postrider/mail/address.h"
#include "postrider/protocol/smtp/dialogue.h"

// The command lines that carry something of a message, with their CRLF. Whatever comes from outside
// goes in as mail::Address or as a number (S-013).
namespace postrider::smtp {

/// The parameters are those that the server offers and the message needs: SIZE with the exact
/// octets (RFC 1870), BODY=8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531).
[[nodiscard]] std::string mail_command(const Transaction& transaction, const Capabilities& offered);

[[nodiscard]] std::string rcpt_command(const mail::Address& recipient);

/// Some address of the envelope cannot be written in ASCII.
[[nodiscard]] bool needs_smtputf8(const mail::Envelope& envelope);

}  // namespace postrider::smtp
