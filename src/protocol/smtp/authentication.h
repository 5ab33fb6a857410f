#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/protocol/sasl/client.h"
#include "postrider/protocol/smtp/dialogue.h"

#include "protocol/pop3/quoter.h"

namespace postrider::smtp {

/// Proves to a server who we are, by AUTH (RFC 4954). The mechanism is chosen once, by the
/// configuration and by what the server offers, and never changed because the server refused it: a
/// refusal must not talk us into a weaker one (P-013).
class Authentication {
  public:
    /// Longest AUTH line with its CRLF that carries an initial response (RFC 5321 section
    /// 4.5.3.1.4).
    static constexpr std::size_t kMaxCommandLine = 512;

    /// Chooses the mechanism. Errors: config (empty user or password, or octets that no mechanism
    /// can carry), unsupported (the server offers nothing that the configuration allows).
    [[nodiscard]] static Expected<Authentication> choose(const Login& login,
                                                         const Capabilities& offered,
                                                         bool encrypted);

    /// The first line to send, with CRLF.
    [[nodiscard]] Expected<Secret> begin();

    struct Step {
        bool authenticated = false;
        Secret send = {};  ///< the next line with CRLF; empty when authenticated, and with a key
        std::optional<sasl::KeyRequest> key = std::nullopt;  ///< derive it, then on_key()
    };
    /// Takes the reply to what was sent last. Errors end the session: login_refused, busy,
    /// protocol.
    [[nodiscard]] Expected<Step> on_reply(const Reply& reply);

    /// The next line with CRLF.
    [[nodiscard]] Secret on_key(const Secret& key);

    [[nodiscard]] const std::string& mechanism() const { return mechanism_; }

  private:
    Authentication(std::string mechanism, const Login& login, sasl::Client client);

    [[nodiscard]] Step on_challenge(std::string_view challenge);
    [[nodiscard]] Secret answer(Expected<Secret> response);
    [[nodiscard]] Error refused(const Reply& reply) const;
    [[nodiscard]] std::string described(const Reply& reply) const;

    std::string mechanism_;
    std::string user_;
    sasl::Client client_;
    std::optional<Secret> pending_;  ///< the initial response that did not fit in the line
    std::string challenge_;          ///< the one that waits for its key
    pop3::Quoter quoter_;            ///< a server may repeat what it was sent
    std::optional<Error> error_;     ///< "*" was sent because of it; the reply changes nothing
};

}  // namespace postrider::smtp
