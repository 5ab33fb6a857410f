#pragma once

#include <cstdint>
#include <string_view>

#include "postrider/base/error.h"

#include "protocol/pop3/quoter.h"

namespace postrider::pop3 {

enum class Status : std::uint8_t {
    ok,         ///< "+OK"
    err,        ///< "-ERR"
    challenge,  ///< "+" or "+ base64": only inside AUTH (RFC 5034)
    none,       ///< no status line: sender and receiver are out of step
};

struct Reply {
    Status status = Status::none;
    std::string_view text;  ///< behind the status indicator and its blank
};

/// Reads a status line without its CRLF (P-002). The case of the letters does not matter; what
/// follows the indicator must be a blank or the end, so that "+OKAY" is nothing.
[[nodiscard]] Reply parse_reply(std::string_view line);

/// Can `bytes`, as far as they go, be the beginning of "+OK" or "-ERR"? For bytes that came right
/// behind a reply (P-006).
[[nodiscard]] bool may_begin_reply(std::string_view bytes);

/// What a refusal means where no response code says better.
struct Refused {
    std::string_view asked = {};  ///< as a person reads it: "RETR 3"
    Errc code = Errc::refused;
    Retry retry = Retry::later;
    std::string_view advice = {};  ///< what to do about it; may be empty
    std::string_view user = {};    ///< who logged in; for a login only
};

/// The error behind an -ERR line. Response codes (RFC 2449 section 8, RFC 3206) decide first, then
/// words that servers use for a passing trouble (P-027), then `refused` itself (P-028).
[[nodiscard]] Error refusal(const Refused& refused, std::string_view line, const Quoter& quoter);

}  // namespace postrider::pop3
