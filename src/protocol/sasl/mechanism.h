#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/protocol/sasl/client.h"

namespace postrider::sasl {

/// One mechanism's messages, as octets; what stands on the wire is Client's business.
class Mechanism {
  public:
    Mechanism() = default;
    Mechanism(const Mechanism&) = delete;
    Mechanism& operator=(const Mechanism&) = delete;
    virtual ~Mechanism() = default;

    /// The answer to a challenge, or what is wrong with it. Not called again after an error.
    [[nodiscard]] virtual Expected<Secret> respond(std::string_view challenge) = 0;

    [[nodiscard]] virtual Expected<std::optional<KeyRequest>> key_for(
        std::string_view /*challenge*/) {
        return std::nullopt;
    }
    virtual void take_key(const Secret& /*key*/) {}

    [[nodiscard]] virtual bool is_satisfied() const = 0;
    [[nodiscard]] const std::optional<Complaint>& complaint() const { return complaint_; }

  protected:
    void complain(Complaint complaint) { complaint_ = std::move(complaint); }

  private:
    std::optional<Complaint> complaint_;
};

/// An error about what the server sent.
[[nodiscard]] tl::unexpected<Error> bad_challenge(std::string_view why);

}  // namespace postrider::sasl
