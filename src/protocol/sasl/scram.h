#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "postrider/mail/digests.h"

#include "protocol/sasl/mechanism.h"

namespace postrider::sasl {

/// SCRAM (RFC 5802, RFC 7677): the password is never sent, and the server must show that it knows a
/// derivative of it. With a channel binding it shows that besides nobody stands between us.
class Scram final : public Mechanism {
  public:
    struct Wishes {
        mail::Hash hash = mail::Hash::sha256;
        bool is_plus = false;  ///< bind the channel
        std::string nonce;     ///< printable, without a comma
    };

    /// Errors: config (user or password that SASLprep refuses; no channel to bind).
    [[nodiscard]] static Expected<std::unique_ptr<Mechanism>> make(Wishes wishes,
                                                                   const Credentials& credentials);
    /// Octets enough that no nonce comes twice.
    [[nodiscard]] static std::string fresh_nonce();

    [[nodiscard]] Expected<Secret> respond(std::string_view challenge) override;
    [[nodiscard]] Expected<std::optional<KeyRequest>> key_for(std::string_view challenge) override;
    void take_key(const Secret& key) override { key_ = key; }
    [[nodiscard]] bool is_satisfied() const override { return state_ == State::verified; }

  private:
    //  begin -> first_sent -> final_sent -> verified
    //  From first_sent and final_sent on "e=": -> refused.
    enum class State : std::uint8_t { begin, first_sent, final_sent, verified, refused };

    /// "r=...,s=...,i=..." taken apart.
    struct ServerFirst {
        std::string_view nonce;
        std::string salt;
        std::uint32_t iterations = 0;
    };

    Scram(Wishes wishes, Secret user, Secret password, const Credentials& credentials);

    [[nodiscard]] Secret client_first();
    [[nodiscard]] Expected<ServerFirst> parsed_first(std::string_view message) const;
    [[nodiscard]] KeyRequest request_for(const ServerFirst& first) const;
    [[nodiscard]] Expected<Secret> client_final(std::string_view server_first);
    [[nodiscard]] Expected<Secret> on_server_final(std::string_view message);
    [[nodiscard]] Secret on_refused(std::string_view message);

    Wishes wishes_;
    Secret user_;
    Secret password_;
    std::string gs2_header_;
    std::string binding_octets_;
    State state_ = State::begin;
    std::string first_bare_;  ///< client-first-message-bare
    Secret key_;              ///< SaltedPassword, once it was derived
    std::string server_signature_;
};

}  // namespace postrider::sasl
