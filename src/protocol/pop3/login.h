#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/protocol/pop3/dialogue.h"
#include "postrider/protocol/sasl/client.h"

#include "protocol/pop3/quoter.h"

namespace postrider::pop3 {

/// Proves to the server who we are, by USER and PASS (RFC 1939 section 7) or AUTH PLAIN (RFC 5034).
/// The way is chosen once, by the configuration and by what the server lists, and never changed
/// because a server refused it: a refusal must not talk us into another way (P-013).
class Login {
  public:
    /// Longest command line with its CRLF (RFC 2449 section 4).
    static constexpr std::size_t kMaxCommandLine = 255;

    /// Chooses the way. Errors: config (P-016: octets that no POP3 command can carry), unsupported
    /// (the server lists no way that the configuration allows, P-013).
    [[nodiscard]] static Expected<Login> choose(const Settings& settings,
                                                const Capabilities& capabilities);

    /// The first line to send, with CRLF. What the quoter must never show is made known to it.
    [[nodiscard]] Expected<Secret> begin(const Settings& settings, Quoter& quoter);

    struct Step {
        bool logged_in = false;
        Secret send;  ///< the next line with CRLF; empty when logged in
    };
    /// Takes the reply to what was sent last. Errors end the session: login_refused, busy,
    /// protocol, limit.
    [[nodiscard]] Expected<Step> on_reply(std::string_view line, const Settings& settings,
                                          Quoter& quoter);

    /// A reply line in this login may be this long: a challenge is longer than a status line, and
    /// one that is a little too long is read to its end, to be answered with "*" (P-014).
    [[nodiscard]] std::size_t line_limit() const;

  private:
    // user -> pass -> (done)
    // auth_begun -> auth_answered -> (done); from both on a bad challenge: -> cancelled -> (failed)
    enum class State : std::uint8_t {
        user,           ///< USER
        pass,           ///< PASS
        auth_begun,     ///< AUTH PLAIN alone: only a challenge can follow
        auth_answered,  ///< the response is out, with AUTH PLAIN or behind the challenge
        cancelled,      ///< "*" was sent because of error_; its reply changes nothing
    };

    explicit Login(State state) : state_(state) {}

    [[nodiscard]] Expected<Step> on_accepted(std::string_view line, const Settings& settings,
                                             const Quoter& quoter);
    [[nodiscard]] Expected<Step> on_challenge(std::string_view challenge, Quoter& quoter);
    [[nodiscard]] bool is_auth() const;
    [[nodiscard]] Error refused(std::string_view line, const Settings& settings,
                                const Quoter& quoter) const;
    [[nodiscard]] Error out_of_step(std::string_view line, const Quoter& quoter) const;

    State state_;
    std::optional<sasl::Client> sasl_;  ///< in auth_begun and auth_answered
    std::optional<Error> error_;        ///< in cancelled
};

}  // namespace postrider::pop3
