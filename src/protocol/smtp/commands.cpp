#include "protocol/smtp/commands.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace postrider::smtp {

namespace {

constexpr std::string_view kUnavailable = "[UNAVAILABLE]";

/// The value of an XCLIENT attribute (Postfix XCLIENT_README), nothing if we never tell it.
std::optional<std::string> xclient_value(std::string_view attribute, const OriginalClient& client) {
    const auto known_or = [](std::string_view value) {
        return value.empty() ? std::string(kUnavailable) : xtext(value);
    };
    if (attribute == "NAME") return known_or(client.name);
    if (attribute == "HELO") return known_or(client.helo);
    if (attribute == "ADDR") {
        const bool is_ipv6 = client.address.find(':') != std::string::npos;
        return known_or(is_ipv6 ? "IPV6:" + client.address : client.address);
    }
    // The protocol has no word for "not known".
    if (attribute == "PROTO") return client.protocol.empty() ? "ESMTP" : client.protocol;
    return std::nullopt;
}

}  // namespace

std::string mail_command(const Transaction& transaction, const Capabilities& offered,
                         const DsnWishes& dsn) {
    const auto& sender = transaction.envelope.sender;
    std::string line = fmt::format("MAIL FROM:<{}>", sender ? sender->text() : std::string());
    if (offered.size) line += fmt::format(" SIZE={}", transaction.size);
    if (offered.eight_bit_mime && transaction.has_8bit) line += " BODY=8BITMIME";
    if (offered.smtputf8 && needs_smtputf8(transaction.envelope)) line += " SMTPUTF8";
    if (offered.dsn && !dsn.ret.empty()) line += " RET=" + dsn.ret;
    if (offered.dsn && !transaction.envid.empty()) line += " ENVID=" + xtext(transaction.envid);
    return line + "\r\n";
}

std::string rcpt_command(const mail::Address& recipient, const Capabilities& offered,
                         const DsnWishes& dsn) {
    const bool notifies = offered.dsn && !dsn.notify.empty();
    return fmt::format("RCPT TO:<{}>{}{}\r\n", recipient.text(), notifies ? " NOTIFY=" : "",
                       notifies ? dsn.notify : "");
}

std::string xclient_command(const OriginalClient& client, const Capabilities& offered) {
    std::string line = "XCLIENT";
    for (const std::string& attribute : offered.xclient) {
        if (const auto value = xclient_value(attribute, client)) {
            line += fmt::format(" {}={}", attribute, *value);
        }
    }
    return line + "\r\n";
}

std::string xtext(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        if (c >= '!' && c <= '~' && c != '+' && c != '=') {
            encoded += c;
        } else {
            encoded += fmt::format("+{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

bool is_plain_hello_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._[]:").find(c) != std::string_view::npos;
    });
}

bool needs_smtputf8(const mail::Envelope& envelope) {
    const auto is_foreign = [](const mail::Address& address) { return !address.is_ascii(); };
    return (envelope.sender && is_foreign(*envelope.sender)) ||
           std::any_of(envelope.recipients.begin(), envelope.recipients.end(), is_foreign);
}

}  // namespace postrider::smtp
