#include "config/recipients.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "config/scalars.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<mail::DeliveredTo>, 3> kDeliveredToChoices = {{
    {"rename", mail::DeliveredTo::rename},
    {"keep", mail::DeliveredTo::keep},
    {"drop", mail::DeliveredTo::drop},
}};

/// Nothing, and told, if it is no address.
std::optional<mail::Address> address(Reader& reader, const Value& value) {
    const auto text = reader.scalar(value);
    if (!text) {
        return std::nullopt;
    }
    auto parsed = mail::Address::parse(*text);
    if (!parsed) {
        reader.report(value, parsed.error().text);
        return std::nullopt;
    }
    return *std::move(parsed);
}

/// As address(), for a place where a word without a domain would rather be a mistaken keyword.
std::optional<mail::Address> full_address(Reader& reader, const Value& value,
                                          std::string_view keywords) {
    const auto text = reader.scalar(value);
    if (text && text->find('@') == std::string_view::npos) {
        reader.report(value, fmt::format("'{}' is none of: {}, an address with its domain",
                                         escaped(*text, 64), keywords));
        return std::nullopt;
    }
    return address(reader, value);
}

void read_header(Reader& reader, const Value& value, mail::RecipientRule& into) {
    const auto name = reader.scalar(value);
    if (!name) {
        return;
    }
    const bool is_name = !name->empty() && std::all_of(name->begin(), name->end(), [](char c) {
        return c > ' ' && c < 0x7f && c != ':';
    });
    if (!is_name) {
        reader.report(value, "is no name of a header field");
    } else if (!mail::is_envelope_field(*name)) {
        reader.report(value,
                      "is not written by the last server as its envelope: recipients are "
                      "not guessed from what an author or a list writes");
    } else {
        into.header = *name;
    }
}

void read_occurrence(Reader& reader, const Value& value, mail::RecipientRule& into) {
    const auto word = reader.scalar(value);
    if (!word) {
        return;
    }
    const auto number = parse_unsigned(*word);
    if (*word == "first") {
        into.occurrence = 1;
    } else if (*word == "last") {
        into.occurrence = -1;
    } else if (number && *number >= 1 && *number <= 100) {
        into.occurrence = static_cast<int>(*number);
    } else {
        reader.report(value, fmt::format("'{}' is none of: first, last, a number from 1 to 100",
                                         escaped(*word, 64)));
    }
}

void read_domains(Reader& reader, const Value& value, mail::RecipientRule& into) {
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least one domain");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        const auto domain = reader.scalar(value.items[i]);
        if (!domain) {
            continue;
        }
        if (auto fault = mail::Address::parse("x@" + std::string(*domain)); !fault) {
            reader.report(value.items[i], fmt::format("'{}' is no domain", escaped(*domain, 64)));
        } else {
            into.domains.insert(mail::comparable_domain(*domain));
        }
    }
}

/// "bob", "bob@isp.example" or "@isp.example".
bool is_pattern(std::string_view key) {
    return mail::Address::parse(key.starts_with('@') ? "x" + std::string(key) : std::string(key))
        .has_value();
}

void read_map(Reader& reader, const Value& value, mail::RecipientRule& into) {
    if (!reader.expect_map(value)) {
        return;
    }
    if (value.entries.empty()) {
        reader.report(value, "needs at least one address");
    }
    for (const Entry& entry : value.entries) {
        const Reader::Scope scope = reader.enter(entry.key);
        if (!is_pattern(entry.key)) {
            reader.report(entry, "is neither an address, nor a local part, nor @domain");
        } else if (auto to = address(reader, entry.value)) {
            if (!into.map.emplace(mail::comparable(entry.key), *std::move(to)).second) {
                reader.report(entry, "stands here a second time");
            }
        }
    }
}

void read_unmatched(Reader& reader, const Value& value, mail::RecipientRule& into) {
    const auto word = reader.scalar(value);
    if (!word || *word == "hold") {
        into.unmatched.reset();
    } else {
        into.unmatched = full_address(reader, value, "hold");
    }
}

constexpr std::array<Key<mail::RecipientRule>, 6> kRuleKeys = {{
    {"header", read_header},
    {"occurrence", read_occurrence},
    {"strip_prefix", read_text<&mail::RecipientRule::strip_prefix>},
    {"domains", read_domains},
    {"map", read_map},
    {"unmatched", read_unmatched},
}};

void read_rule(Reader& reader, const Value& value, AccountConfig& into) {
    mail::RecipientRule rule;
    read_section(reader, value, recipient_rule_keys(), rule);
    if (value.find("header") == nullptr) {
        reader.report(value,
                      "needs header: the field in which the provider writes the envelope "
                      "recipient, such as X-Original-To");
    }
    if (value.find("domains") == nullptr && value.find("map") == nullptr) {
        reader.report(value,
                      "needs domains or map: anybody can write such a field, and shall not "
                      "make this machine send mail anywhere");
    }
    into.recipient_rule = std::move(rule);
}

}  // namespace

Keys<mail::RecipientRule> recipient_rule_keys() {
    return kRuleKeys;
}

void read_recipients(Reader& reader, const Value& value, AccountConfig& into) {
    into.recipients.clear();
    into.recipient_rule.reset();
    if (value.kind == Value::Kind::map) {
        read_rule(reader, value, into);
        return;
    }
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least one address");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        auto one = address(reader, value.items[i]);
        if (!one) {
            continue;
        }
        if (std::find(into.recipients.begin(), into.recipients.end(), *one) !=
            into.recipients.end()) {
            reader.report(value.items[i], "stands here a second time");
        } else {
            into.recipients.push_back(*std::move(one));
        }
    }
}

void read_envelope_sender(Reader& reader, const Value& value, AccountConfig& into) {
    into.envelope_sender = {};
    if (value.kind == Value::Kind::null) {
        into.envelope_sender.is_return_path = false;  // `null` is YAML's own word for nothing
        return;
    }
    const auto word = reader.scalar(value);
    if (!word || *word == "return_path") {
        return;
    }
    if (*word == "null") {
        into.envelope_sender.is_return_path = false;
    } else if (auto fixed = full_address(reader, value, "return_path, null")) {
        into.envelope_sender = {false, *std::move(fixed)};
    }
}

void read_delivered_to(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kDeliveredToChoices, into.delivered_to);
}

}  // namespace postrider::config
