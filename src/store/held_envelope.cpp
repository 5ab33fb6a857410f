#include "store/held_envelope.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "postrider/base/text.h"

#include "store/json.h"

namespace postrider::store {
namespace {

/// From here on it may be worded differently every time.
constexpr std::string_view kHeldAtKey = "  \"held_at\": ";

/// Nothing may stand in place of an address where a sender is named, so that a damaged file is
/// never read as the null sender.
std::optional<mail::Envelope> envelope_of(const nlohmann::json& object) {
    mail::Envelope envelope;
    if (!object.at("sender").is_null()) {
        auto sender = mail::Address::parse(object.at("sender").get<std::string>());
        if (!sender) {
            return std::nullopt;
        }
        envelope.sender = *std::move(sender);
    }
    for (const nlohmann::json& text : object.at("recipients")) {
        auto recipient = mail::Address::parse(text.get<std::string>());
        if (!recipient) {
            return std::nullopt;
        }
        envelope.recipients.push_back(*std::move(recipient));
    }
    return envelope;
}

std::optional<HeldMessage> message_of(const nlohmann::json& object) {
    auto envelope = envelope_of(object);
    const auto held_at = parse_iso8601(object.at("held_at").get<std::string>());
    auto uid = unescaped(object.at("uid").get<std::string>());
    if (!envelope || !held_at || !uid) {
        return std::nullopt;
    }
    HeldMessage what;
    what.delivery_id = object.at("delivery_id").get<std::string>();
    what.account = object.at("account").get<std::string>();
    what.uid = *std::move(uid);
    what.destination = object.at("destination").get<std::string>();
    what.envelope = *std::move(envelope);
    what.held_at = *held_at;
    what.retries = object.at("retries").get<std::uint32_t>();
    what.reason = object.at("reason").get<std::string>();
    return what;
}

}  // namespace

std::string envelope_json(const HeldMessage& what) {
    std::string recipients;
    for (const mail::Address& recipient : what.envelope.recipients) {
        recipients += (recipients.empty() ? "" : ", ") + json_string(recipient.text());
    }
    // A UID is octets: the escaper gives them a form that is text. The null sender is null.
    return fmt::format(
        "{{\n  \"delivery_id\": {},\n  \"account\": {},\n  \"uid\": {},\n  \"destination\": {},\n"
        "  \"sender\": {},\n  \"recipients\": [{}],\n{}{},\n  \"retries\": {},\n"
        "  \"reason\": {}\n}}\n",
        json_string(what.delivery_id), json_string(what.account),
        json_string(escaped(what.uid, what.uid.size())), json_string(what.destination),
        what.envelope.sender ? json_string(what.envelope.sender->text()) : "null", recipients,
        kHeldAtKey, json_string(iso8601(what.held_at)), what.retries, json_string(what.reason));
}

std::optional<HeldMessage> parse_envelope(std::string_view json) {
    try {
        return message_of(nlohmann::json::parse(json));
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

bool is_same_hold(std::string_view a, std::string_view b) {
    return a.substr(0, a.find(kHeldAtKey)) == b.substr(0, b.find(kHeldAtKey));
}

}  // namespace postrider::store
