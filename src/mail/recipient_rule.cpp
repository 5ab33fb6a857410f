#include "postrider/mail/recipient_rule.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "mail/head_fields.h"

namespace postrider::mail {
namespace {

std::optional<std::string_view> find_value(std::string_view head, const RecipientRule& rule) {
    std::optional<std::string_view> found;
    int met = 0;
    while (const auto field = take_field(head)) {
        if (iequals(field->name, rule.header)) {
            found = field->value;
            if (++met == rule.occurrence) return found;
        }
    }
    return rule.occurrence < 0 ? found : std::nullopt;
}

/// Takes an address off the front of a list, without brackets and blanks; commas in quotes are its
/// own.
std::string_view take_address(std::string_view& list) {
    bool is_quoted = false;
    std::size_t end = 0;
    while (end < list.size() && (is_quoted || list[end] != ',')) {
        if (list[end] == '"') is_quoted = !is_quoted;
        if (list[end] == '\\') ++end;
        ++end;
    }
    std::string_view address = trimmed(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (address.starts_with('<') && address.ends_with('>')) {
        address = trimmed(address.substr(1, address.size() - 2));
    }
    return address;
}

/// Without "+detail"; all of it if it begins so.
std::string_view base_of(std::string_view local_part) {
    const std::size_t plus = local_part.find('+');
    return plus == 0 ? local_part : local_part.substr(0, plus);
}

/// Who is meant here by an address of the field; nobody if it is none of ours.
std::optional<Address> own_address(std::string_view text, const RecipientRule& rule) {
    if (istarts_with(text, rule.strip_prefix)) text.remove_prefix(rule.strip_prefix.size());
    auto address = Address::parse(text);
    if (!address) return std::nullopt;
    const std::string local = to_lower(address->local_part());
    const std::string domain = comparable_domain(address->domain());
    const std::string base(base_of(local));
    const std::string at = domain.empty() ? "" : "@" + domain;
    for (const std::string& key : {local + at, base + at, local, base, at}) {
        if (const auto mapped = rule.map.find(key); mapped != rule.map.end()) {
            return mapped->second;
        }
    }
    if (rule.domains.contains(domain)) return *std::move(address);
    return std::nullopt;
}

tl::unexpected<Error> unknown(std::string text) {
    return failure(Errc::protocol, Retry::never, std::move(text));
}

}  // namespace

Expected<std::vector<Address>> recipients_of(std::string_view head, const RecipientRule& rule) {
    const auto value = find_value(head, rule);
    if (!value) {
        return unknown(fmt::format("it has no field {} that tells whom it is for", rule.header));
    }
    std::vector<Address> recipients;
    std::string_view rest = *value;
    while (!rest.empty()) {
        auto own = own_address(take_address(rest), rule);
        if (own && std::find(recipients.begin(), recipients.end(), *own) == recipients.end()) {
            recipients.push_back(*std::move(own));
        }
        if (recipients.size() > kMostRecipients) {
            return unknown(fmt::format("its field {} names more than {} recipients", rule.header,
                                       kMostRecipients));
        }
    }
    if (recipients.empty()) {
        return unknown(fmt::format("its field {} names nobody here: {}", rule.header,
                                   escaped(trimmed(*value), 128)));
    }
    return recipients;
}

bool is_envelope_field(std::string_view name) {
    constexpr std::array<std::string_view, 11> kOthers = {
        "To",          "Cc",   "Bcc",      "From",    "Sender",       "Reply-To",
        "Return-Path", "Date", "Received", "Subject", "Apparently-To"};
    return !istarts_with(name, "Resent-") && !istarts_with(name, "List-") &&
           std::none_of(kOthers.begin(), kOthers.end(),
                        [name](std::string_view other) { return iequals(name, other); });
}

}  // namespace postrider::mail
