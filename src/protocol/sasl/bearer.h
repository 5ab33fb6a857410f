#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/sasl/mechanism.h"

namespace postrider::sasl {

/// OAuth 2.0 bearer tokens: XOAUTH2 as Google and Microsoft have it, and OAUTHBEARER (RFC 7628). A
/// server that does not like the token says why in JSON, and must be answered before it says no.
class Bearer final : public Mechanism {
  public:
    enum class Kind : std::uint8_t { xoauth2, oauthbearer };

    /// Errors: config (an empty token, one over kMaxToken, or octets that no token has).
    [[nodiscard]] static Expected<std::unique_ptr<Mechanism>> make(Kind kind,
                                                                   const Credentials& credentials);

    [[nodiscard]] Expected<Secret> respond(std::string_view challenge) override;
    [[nodiscard]] bool is_satisfied() const override { return was_sent_ && !complaint(); }

  private:
    Bearer(Kind kind, const Credentials& credentials) : kind_(kind), credentials_(credentials) {}
    [[nodiscard]] Secret message() const;

    Kind kind_;
    Credentials credentials_;
    bool was_sent_ = false;
};

/// What the JSON of a failure says (RFC 7628 section 3.2.2); what is no JSON is quoted as it is.
[[nodiscard]] Complaint complaint_of_json(std::string_view json);

}  // namespace postrider::sasl
