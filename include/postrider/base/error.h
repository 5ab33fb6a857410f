#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace postrider {

/// When the failed thing is worth trying again. Decided where the error is born, never guessed
/// later.
enum class Retry : std::uint8_t {
    now,    ///< at once: the fault was of this connection or this moment
    later,  ///< after a pause: the other side is down, busy or out of room
    never,  ///< not before a person has changed something
};

/// What kind of thing failed; coarse on purpose, a caller decides on it. The text is for people.
enum class Errc : std::uint8_t {
    timed_out,      ///< a deadline of ours ran out
    closed,         ///< the peer closed the connection
    network,        ///< refused, reset, unreachable
    dns,            ///< a host name has no address, or no server answered
    tls,            ///< handshake or certificate
    protocol,       ///< the peer broke its protocol: the connection is botched
    limit,          ///< the peer exceeded one of our limits
    login_refused,  ///< the credentials were not taken
    busy,           ///< the peer asks to come back later: [IN-USE], [SYS/TEMP], 421, ...
    refused,        ///< the peer refused for good: 5xx, -ERR
    unsupported,    ///< the peer cannot do what the configuration asks for
    config,         ///< a configuration fault
    io,             ///< a local file or disk
    corrupt,        ///< local state that cannot be what we wrote
    locked,         ///< another process holds the state
    doubt,          ///< state and world disagree in bulk: a person must decide (invariant I9)
};

[[nodiscard]] std::string_view to_text(Errc code);

/// A failure with everything a caller and a person need: what kind, what to do, and one sentence.
struct Error {
    Errc code = Errc::io;
    Retry retry = Retry::later;
    std::string text;

    /// The same error told from further away: "poll of alice: <text>".
    [[nodiscard]] Error in(std::string_view context) const {
        return {code, retry, std::string(context) + ": " + text};
    }
};

template <class T = void>
using Expected = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> failure(Errc code, Retry retry, std::string text) {
    return tl::unexpected<Error>(Error{code, retry, std::move(text)});
}

[[nodiscard]] inline tl::unexpected<Error> failure(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

}  // namespace postrider
