#include "protocol/sasl/bearer.h"

#include <algorithm>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "protocol/sasl/encoding.h"

namespace postrider::sasl {

namespace {

constexpr char kSeparator = '\x01';

/// RFC 6750 section 2.1 and what providers make of it: printable, and no blank.
bool is_token(std::string_view token) {
    return !token.empty() &&
           std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// The string value of a member, as it is written; nothing if it is not there. The objects of RFC
/// 7628 are flat, and escapes in them are for people to read.
std::optional<std::string_view> string_member(std::string_view json, std::string_view name) {
    const std::string quoted = fmt::format("\"{}\"", name);
    const std::size_t at = json.find(quoted);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    json = trimmed(json.substr(at + quoted.size()));
    if (!json.starts_with(':')) {
        return std::nullopt;
    }
    json = trimmed(json.substr(1));
    if (!json.starts_with('"')) {
        return std::nullopt;
    }
    for (std::size_t i = 1; i < json.size(); ++i) {
        if (json[i] == '\\') {
            ++i;
        } else if (json[i] == '"') {
            return json.substr(1, i - 1);
        }
    }
    return std::nullopt;
}

}  // namespace

Expected<std::unique_ptr<Mechanism>> Bearer::make(Kind kind, const Credentials& credentials) {
    const std::string_view token = credentials.secret.reveal();
    if (token.size() > kMaxToken) {
        return failure(Errc::config, Retry::never,
                       fmt::format("the token is longer than {} octets", kMaxToken));
    }
    if (!is_token(token)) {
        return failure(Errc::config, Retry::never,
                       "the token is empty, or holds what no token has (blanks, control "
                       "characters); it must be the bare access token");
    }
    if (credentials.user.find(kSeparator) != std::string::npos) {
        return failure(Errc::config, Retry::never, "the user name holds a control character");
    }
    return std::unique_ptr<Mechanism>(new Bearer(kind, credentials));
}

Secret Bearer::message() const {
    const Credentials& c = credentials_;
    const std::string_view token = c.secret.reveal();
    if (kind_ == Kind::xoauth2) {
        return joined({"user=", c.user, "\x01", "auth=Bearer ", token, "\x01\x01"});
    }
    const std::string port = std::to_string(c.port);
    return joined({"n,a=", gs2_name(c.user), ",\x01", "host=", c.host, "\x01", "port=", port,
                   "\x01", "auth=Bearer ", token, "\x01\x01"});
}

Expected<Secret> Bearer::respond(std::string_view challenge) {
    if (!was_sent_) {
        was_sent_ = true;
        return message();
    }
    if (complaint()) {
        return bad_challenge("the mechanism has none at this point");
    }
    complain(complaint_of_json(challenge));
    // Nothing more can be said, but the server waits to be told so (RFC 7628 section 3.2.3).
    return Secret(kind_ == Kind::xoauth2 ? std::string() : std::string(1, kSeparator));
}

Complaint complaint_of_json(std::string_view json) {
    const auto status = string_member(json, "status");
    if (!status) {
        return {escaped(json), false};
    }
    Complaint complaint{"status " + escaped(*status), status->starts_with('5')};
    for (const char* const name : {"error", "error_description", "scope"}) {
        if (const auto value = string_member(json, name)) {
            complaint.text += fmt::format(", {} {}", name, escaped(*value));
        }
    }
    return complaint;
}

}  // namespace postrider::sasl
