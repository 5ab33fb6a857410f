#include "postrider/mail/bounce.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "mail/head_fields.h"
#include "mail/octets.h"

namespace postrider::mail {
namespace {

/// Local parts that programs and lists send under (RFC 3834 section 2, RFC 2142).
bool is_nobody(std::string_view local_part) {
    constexpr std::array<std::string_view, 2> kNames = {"mailer-daemon", "postmaster"};
    constexpr std::array<std::string_view, 5> kEnds = {"-request", "-owner", "-bounces", "-bounce",
                                                       "-errors"};
    const std::string name = to_lower(local_part);
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
           name.starts_with("owner-") || name.starts_with("bounce") ||
           std::any_of(kEnds.begin(), kEnds.end(),
                       [&name](std::string_view end) { return name.ends_with(end); }) ||
           name.find("no-reply") != std::string::npos || name.find("noreply") != std::string::npos;
}

/// A field by which a program or a list tells that it wrote this.
std::optional<std::string> fault_of_field(const HeadField& field) {
    const std::string value = to_lower(trimmed(field.value));
    const bool is_automatic =
        (iequals(field.name, "Auto-Submitted") && !value.starts_with("no")) ||
        (iequals(field.name, "Precedence") &&
         (value == "bulk" || value == "list" || value == "junk")) ||
        (iequals(field.name, "Content-Type") && value.starts_with("multipart/report")) ||
        iequals(field.name, "X-Auto-Response-Suppress");
    if (is_automatic) {
        return "a program has sent it";
    }
    if (istarts_with(field.name, "List-") || iequals(field.name, "Mailing-List")) {
        return "it is of a mailing list";
    }
    if (iequals(field.name, "X-Postrider-Id")) {
        return "it came by here before";
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_sender(const Envelope& envelope) {
    if (!envelope.sender) {
        return "it has no sender";
    }
    const Address& sender = *envelope.sender;
    const std::string_view domain = sender.domain();
    if (domain.find('.') == std::string_view::npos || domain.starts_with('[')) {
        return "its sender is no address of the Internet";
    }
    if (is_nobody(sender.local_part())) {
        return "its sender is a program or a list";
    }
    if (std::any_of(envelope.recipients.begin(), envelope.recipients.end(),
                    [&](const Address& one) { return iequals(one.text(), sender.text()); })) {
        return "its sender is its recipient";
    }
    return std::nullopt;
}

/// One line that cannot become two, within the 998 octets of RFC 5322 section 2.1.1.
std::string one_line(std::string_view text) {
    constexpr std::size_t kLimit = 900;
    return escaped(text, kLimit);
}

std::string status_of(const FailedRecipient& failed) {
    return failed.enhanced.empty() ? "5.0.0" : failed.enhanced;
}

std::string reply_of(const FailedRecipient& failed) {
    const std::string words = one_line(failed.text);
    return failed.code == 0
               ? words
               : fmt::format("{}{}{} {}", failed.code, failed.enhanced.empty() ? "" : " ",
                             failed.enhanced, words);
}

/// The fields as they came, without NUL and without the line that would end the part.
std::string returned_header(std::string_view head, std::string_view boundary) {
    std::string text;
    std::string_view rest = head.substr(0, kReturnedHeaderLimit);
    while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n");
        if (end == 0 || end == std::string_view::npos) {
            break;
        }
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 2);
        if (line.find(boundary) == std::string_view::npos) {
            text.append(line).append("\r\n");
        }
    }
    std::replace(text.begin(), text.end(), '\0', '?');
    return text;
}

std::string explanation(const Bounce& bounce) {
    std::string text = fmt::format(
        "This is {}, which fetches mail for the addresses below.\r\n\r\n"
        "A message from you could not be delivered, and this will not be tried again.\r\n"
        "Its header is attached.\r\n",
        bounce.by_host);
    for (const FailedRecipient& failed : bounce.failed) {
        text += fmt::format("\r\n<{}>:\r\n    {}\r\n", failed.recipient.text(), reply_of(failed));
    }
    return text;
}

/// RFC 3464 section 2.2; "utf-8" addresses as RFC 6533 section 3 has them.
std::string delivery_status(const Bounce& bounce) {
    std::string text = fmt::format("Reporting-MTA: dns; {}\r\nX-Postrider-Id: {}\r\n",
                                   bounce.by_host, bounce.delivery_id);
    for (const FailedRecipient& failed : bounce.failed) {
        text += fmt::format("\r\nFinal-Recipient: {}; {}\r\nAction: failed\r\nStatus: {}\r\n",
                            failed.recipient.is_ascii() ? "rfc822" : "utf-8",
                            failed.recipient.text(), status_of(failed));
        if (failed.code != 0) {
            text += fmt::format("Diagnostic-Code: smtp; {}\r\n", reply_of(failed));
        }
    }
    return text;
}

std::string part(std::string_view boundary, std::string_view type, std::string_view content) {
    const bool has_8bit = std::any_of(content.begin(), content.end(), is_8bit);
    return fmt::format("--{}\r\nContent-Type: {}\r\n{}\r\n{}\r\n", boundary, type,
                       has_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "", content);
}

}  // namespace

std::optional<std::string> fault_of_bounce(const Envelope& envelope, std::string_view head) {
    if (auto fault = fault_of_sender(envelope)) {
        return fault;
    }
    while (const auto field = take_field(head)) {
        if (auto fault = fault_of_field(*field)) {
            return fault;
        }
    }
    return std::nullopt;
}

std::string bounce_text(const Bounce& bounce) {
    const std::string boundary = bounce.delivery_id + "=bounce";
    const std::string header = returned_header(bounce.head, boundary);
    const bool is_global =
        std::any_of(bounce.failed.begin(), bounce.failed.end(),
                    [](const FailedRecipient& failed) { return !failed.recipient.is_ascii(); });
    std::string text = fmt::format(
        "From: Mail Delivery System <MAILER-DAEMON@{}>\r\n"
        "To: <{}>\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        "Date: {}\r\n"
        "Message-ID: <{}.bounce@{}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        "\tboundary=\"{}\"\r\n\r\n",
        bounce.by_host, bounce.sender.text(), rfc5322_date(bounce.time), bounce.delivery_id,
        bounce.by_host, boundary);
    text += part(boundary, "text/plain; charset=utf-8", explanation(bounce));
    text += part(boundary, is_global ? "message/global-delivery-status" : "message/delivery-status",
                 delivery_status(bounce));
    text += part(boundary, "text/rfc822-headers", header);
    return text + fmt::format("--{}--\r\n", boundary);
}

}  // namespace postrider::mail
