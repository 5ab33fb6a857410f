#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"

namespace postrider::sasl {

/// A challenge longer than this ends the authentication (P-014).
inline constexpr std::size_t kMaxChallenge = 64UL * 1024;

/// The client side of one SASL authentication (RFC 4422), by GNU SASL. Texts are base64 as they
/// stand on the wire, without line ends.
class Client {
  public:
    /// Errors: unsupported (GNU SASL lacks the mechanism).
    [[nodiscard]] static Expected<Client> start(std::string_view mechanism, std::string_view user,
                                                const Secret& password);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    /// Answers a challenge ("" for the first of a mechanism where the client begins).
    /// Errors: protocol (no base64, over kMaxChallenge, unexpected): send "*".
    [[nodiscard]] Expected<Secret> respond(std::string_view challenge);

  private:
    struct Session;
    explicit Client(std::unique_ptr<Session> session);
    std::unique_ptr<Session> session_;
};

}  // namespace postrider::sasl
