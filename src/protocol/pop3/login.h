#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/protocol/pop3/dialogue.h"
#include "postrider/protocol/sasl/client.h"

#include "protocol/pop3/login_choice.h"
#include "protocol/pop3/quoter.h"

namespace postrider::pop3 {

/// Proves to the server who we are: by USER and PASS or APOP (RFC 1939 section 7), or by AUTH with
/// a SASL mechanism (RFC 5034). The way is chosen once and never changed because a server refused
/// it: a refusal must not talk us into another way (P-013).
class Login {
  public:
    /// Errors: as choose_login() and sasl::Client::start().
    [[nodiscard]] static Expected<Login> choose(const Settings& settings,
                                                const LoginGround& ground);

    /// The first line to send, with CRLF. What the quoter must never show is made known to it.
    [[nodiscard]] Expected<Secret> begin(const Settings& settings, Quoter& quoter);

    struct Step {
        bool logged_in = false;
        Secret send = {};  ///< the next line with CRLF; empty when logged in, and with a key
        std::optional<sasl::KeyRequest> key = std::nullopt;  ///< derive it, then on_key()
    };
    /// Takes the reply to what was sent last. Errors end the session: login_refused, busy,
    /// protocol, limit.
    [[nodiscard]] Expected<Step> on_reply(std::string_view line, const Settings& settings,
                                          Quoter& quoter);

    /// The next line with CRLF.
    [[nodiscard]] Secret on_key(const Secret& key, Quoter& quoter);

    /// The line that was handed out last, as people may see it: without what proves who we are.
    [[nodiscard]] std::string shown(std::string_view line) const;

    /// A reply line in this login may be this long: a challenge is longer than a status line, and
    /// one that is a little too long is read to its end, to be answered with "*" (P-014).
    [[nodiscard]] std::size_t line_limit() const;

  private:
    // user -> pass -> (done); apop -> (done)
    // auth_begun -> auth_answered <-> (the key is derived); -> (done)
    // from both on a bad challenge: -> cancelled -> (failed)
    enum class State : std::uint8_t {
        user,           ///< USER
        pass,           ///< PASS
        apop,           ///< APOP
        auth_begun,     ///< AUTH with the mechanism alone: only a challenge can follow
        auth_answered,  ///< a response is out, with AUTH or behind a challenge
        cancelled,      ///< "*" was sent because of error_; its reply changes nothing
    };

    Login(State state, LoginWay way, std::optional<sasl::Client> client)
        : state_(state), way_(std::move(way)), sasl_(std::move(client)) {}

    [[nodiscard]] Expected<Secret> begin_auth(Quoter& quoter);
    [[nodiscard]] Expected<Step> on_accepted(std::string_view line, const Settings& settings,
                                             const Quoter& quoter);
    [[nodiscard]] Step on_challenge(std::string_view challenge, Quoter& quoter);
    [[nodiscard]] Secret answer(std::string_view challenge, Quoter& quoter);
    [[nodiscard]] Secret cancel(const Error& why);
    [[nodiscard]] bool is_auth() const;
    [[nodiscard]] std::string command() const;
    [[nodiscard]] Error refused(std::string_view line, const Settings& settings,
                                const Quoter& quoter) const;
    [[nodiscard]] Error out_of_step(std::string_view line, const Quoter& quoter) const;

    State state_;
    LoginWay way_;
    std::optional<sasl::Client> sasl_;        ///< in auth_begun and auth_answered
    std::optional<Secret> initial_response_;  ///< that did not fit in the line with AUTH
    std::string challenge_;                   ///< the one that waits for its key
    std::optional<Error> error_;              ///< in cancelled
};

}  // namespace postrider::pop3
