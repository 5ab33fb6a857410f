#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/protocol/sasl/credentials.h"
#include "postrider/protocol/sasl/scram_key.h"

namespace postrider::sasl {

/// A challenge longer than this ends the authentication (P-014).
inline constexpr std::size_t kMaxChallenge = 64UL * 1024;

/// A token may be so long; those of Microsoft have some 2500 octets.
inline constexpr std::size_t kMaxToken = 16UL * 1024;

/// Does the client speak first in this mechanism (RFC 4422 section 3)?
[[nodiscard]] bool client_begins(std::string_view mechanism);

/// Is the secret of this mechanism a token (RFC 6750), not a password?
[[nodiscard]] bool takes_token(std::string_view mechanism);

/// Why the server will not have us, as it says inside the authentication (RFC 5802 "e=", the JSON
/// of RFC 7628).
struct Complaint {
    std::string text;           ///< escaped
    bool is_temporary = false;  ///< the server's trouble, not ours
};

class Mechanism;

/// The client side of one SASL authentication (RFC 4422): PLAIN, LOGIN, CRAM-MD5 and EXTERNAL by
/// GNU SASL; SCRAM here, as GNU SASL 2.2 knows neither tls-server-end-point nor the "y" of a client
/// that was offered no -PLUS; XOAUTH2 and OAUTHBEARER, which it lacks. Texts are base64 as they
/// stand on the wire, without line ends.
///
/// A server's yes counts only once is_satisfied(): some mechanisms make the server prove itself.
class Client {
  public:
    /// Errors: unsupported (not one of the above), config (a user, password or token that the
    /// mechanism cannot carry; a -PLUS without a channel to bind).
    [[nodiscard]] static Expected<Client> start(std::string_view mechanism,
                                                const Credentials& credentials);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    /// The key that answering this challenge takes, if it takes one. It should be derived elsewhere
    /// and given to take_key() before respond(), which else derives it itself and blocks meanwhile.
    /// Errors: as respond().
    [[nodiscard]] Expected<std::optional<KeyRequest>> key_for(std::string_view challenge);
    void take_key(const Secret& key);

    /// Answers a challenge ("" for the first of a mechanism where the client begins).
    /// Errors: protocol (no base64, over kMaxChallenge, unexpected, a server that cannot prove
    /// itself): send "*".
    [[nodiscard]] Expected<Secret> respond(std::string_view challenge);

    /// Nothing is missing for the server to say yes.
    [[nodiscard]] bool is_satisfied() const;
    /// Once the server has told why it will say no.
    [[nodiscard]] const std::optional<Complaint>& complaint() const;

  private:
    explicit Client(std::unique_ptr<Mechanism> mechanism, bool begins);
    [[nodiscard]] Expected<Secret> decoded(std::string_view challenge) const;

    std::unique_ptr<Mechanism> mechanism_;
    bool first_must_be_empty_;  ///< the client begins, and has not begun yet
};

}  // namespace postrider::sasl
