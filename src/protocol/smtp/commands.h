#pragma once

#include <string>
#include <string_view>

#include "postrider/mail/address.h"
#include "postrider/protocol/smtp/dialogue.h"

// The command lines that carry something of a message, with their CRLF. Whatever comes from outside
// goes in as mail::Address or as a number (S-013).
namespace postrider::smtp {

/// The parameters are those that the server offers and the message needs: SIZE with the exact
/// octets (RFC 1870), BODY=8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461).
[[nodiscard]] std::string mail_command(const Transaction& transaction, const Capabilities& offered,
                                       const DsnWishes& dsn);

/// With NOTIFY (RFC 3461) where it is wished for and offered.
[[nodiscard]] std::string rcpt_command(const mail::Address& recipient, const Capabilities& offered,
                                       const DsnWishes& dsn);

/// Of the attributes that the server lists, those that say who the original client was; what is not
/// known is said to be so, lest an earlier message's client stand for this one's.
[[nodiscard]] std::string xclient_command(const OriginalClient& client,
                                          const Capabilities& offered);

/// RFC 3461 section 4: printable ASCII but "+" and "=" stays, all else becomes "+XX".
[[nodiscard]] std::string xtext(std::string_view text);

/// Some address of the envelope cannot be written in ASCII.
/// Can EHLO say this name of a client? A domain or an address literal by its characters.
[[nodiscard]] bool is_plain_hello_name(std::string_view name);

[[nodiscard]] bool needs_smtputf8(const mail::Envelope& envelope);

}  // namespace postrider::smtp
