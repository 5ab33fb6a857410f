#include "postrider/mail/header_repair.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "mail/head_fields.h"
#include "mail/header_top.h"
#include "mail/octets.h"

namespace postrider::mail {
namespace {

std::optional<Edit> top_edit(const HeaderTop& top) {
    switch (top.kind) {
        case HeaderTop::Kind::fields:
            return std::nullopt;
        case HeaderTop::Kind::mbox_line:
            return Edit{{0, 0}, "X-Postrider-Mbox: "};
        case HeaderTop::Kind::orphan:
            return Edit{{0, 0}, "X-Postrider-Orphan: "};
        case HeaderTop::Kind::blank:
            return Edit{{0, top.fields_begin}, ""};
        case HeaderTop::Kind::no_header:
            return Edit{{0, 0}, "\r\n"};
    }
    return std::nullopt;
}

/// The address that the value of a Delivered-To names, as MTAs compare it.
bool names_one_of(std::string_view value, const std::vector<Address>& recipients) {
    std::string_view address = trimmed(value);
    if (address.starts_with('<') && address.ends_with('>')) {
        address = address.substr(1, address.size() - 2);
    }
    const std::string named = comparable(address);
    return std::any_of(recipients.begin(), recipients.end(), [&named](const Address& recipient) {
        return comparable(recipient.text()) == named;
    });
}

void add_delivered_to(std::vector<Edit>& edits, std::string_view head, const HeaderTop& top,
                      const HeaderScan& scan, DeliveredTo policy,
                      const std::vector<Address>& recipients) {
    std::string_view rest = head.substr(0, scan.header_octets);
    rest.remove_prefix(std::min(top.fields_begin, rest.size()));
    while (!rest.empty()) {
        const std::uint64_t begin = scan.header_octets - rest.size();
        const auto field = take_field(rest);
        if (!field) {
            return;
        }
        if (!iequals(field->name, "Delivered-To")) {
            continue;
        }
        if (policy == DeliveredTo::drop) {
            edits.push_back({{begin, scan.header_octets - rest.size()}, ""});
        } else if (names_one_of(field->value, recipients)) {
            edits.push_back({{begin, begin}, "X-"});
        }
    }
}

/// " by here.example with POP3S": as trace_header() writes it, whatever the folding.
bool is_passage(std::string_view value, std::string_view own_host) {
    std::string words = " ";
    bool is_space = true;
    for (const char c : value) {
        const bool blank = is_blank(c) || c == '\r' || c == '\n';
        if (!blank) {
            words += c;
        } else if (!is_space) {
            words += ' ';
        }
        is_space = blank;
    }
    return words.find(fmt::format(" by {} with POP3", own_host)) != std::string::npos;
}

}  // namespace

std::vector<Edit> header_edits(std::string_view head, const HeaderScan& scan,
                               DeliveredTo delivered_to, const std::vector<Address>& recipients) {
    std::vector<Edit> edits;
    const HeaderTop top = header_top(head);
    for (const ByteRange& field : scan.return_path_fields) {
        edits.push_back({field, ""});
    }
    if (delivered_to != DeliveredTo::keep) {
        add_delivered_to(edits, head, top, scan, delivered_to, recipients);
    }
    std::sort(edits.begin(), edits.end(),
              [](const Edit& a, const Edit& b) { return a.replaced.begin < b.replaced.begin; });
    if (auto edit = top_edit(top)) {
        edits.insert(edits.begin(), *std::move(edit));
    }
    return edits;
}

std::optional<std::string> loop_fault(std::string_view head, const HeaderScan& scan,
                                      std::string_view own_host) {
    if (scan.received_count > kMostReceived) {
        return fmt::format("it goes round: {} servers had it before", scan.received_count);
    }
    std::size_t passages = 0;
    std::string_view rest = head.substr(0, scan.header_octets);
    while (const auto field = take_field(rest)) {
        passages +=
            iequals(field->name, "Received") && is_passage(field->value, own_host) ? 1U : 0U;
    }
    if (passages > 1) {
        return fmt::format("it goes round: it was fetched here {} times before", passages);
    }
    return std::nullopt;
}

bool is_folder_data(std::string_view head) {
    bool has_imap = false;
    bool has_subject = false;
    while (const auto field = take_field(head)) {
        has_imap = has_imap || iequals(field->name, "X-IMAP") || iequals(field->name, "X-IMAPbase");
        has_subject =
            has_subject || (iequals(field->name, "Subject") &&
                            field->value.find("FOLDER INTERNAL DATA") != std::string_view::npos);
    }
    return has_imap && has_subject;
}

}  // namespace postrider::mail
