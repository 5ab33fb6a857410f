#include "protocol/smtp/commands.h"

#include <algorithm>

#include <fmt/format.h>

namespace postrider::smtp {

std::string mail_command(const Transaction& transaction, const Capabilities& offered) {
    const auto& sender = transaction.envelope.sender;
    std::string line = fmt::format("MAIL FROM:<{}>", sender ? sender->text() : std::string());
    if (offered.size) line += fmt::format(" SIZE={}", transaction.size);
    if (offered.eight_bit_mime && transaction.has_8bit) line += " BODY=8BITMIME";
    if (offered.smtputf8 && needs_smtputf8(transaction.envelope)) line += " SMTPUTF8";
    return line + "\r\n";
}

std::string rcpt_command(const mail::Address& recipient) {
    return fmt::format("RCPT TO:<{}>\r\n", recipient.text());
}

bool needs_smtputf8(const mail::Envelope& envelope) {
    const auto is_foreign = [](const mail::Address& address) { return !address.is_ascii(); };
    return (envelope.sender && is_foreign(*envelope.sender)) ||
           std::any_of(envelope.recipients.begin(), envelope.recipients.end(), is_foreign);
}

}  // namespace postrider::smtp
