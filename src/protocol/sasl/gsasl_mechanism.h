#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocol/sasl/mechanism.h"

struct Gsasl;
struct Gsasl_session;

namespace postrider::sasl {

/// PLAIN, LOGIN, CRAM-MD5 and EXTERNAL by GNU SASL. A library handle per authentication: nothing is
/// shared, and the copies of the password that the library holds go with it.
class GsaslMechanism final : public Mechanism {
  public:
    /// Errors: unsupported (GNU SASL lacks the mechanism), config (user or password is not fit for
    /// it), io (no memory just now).
    [[nodiscard]] static Expected<std::unique_ptr<Mechanism>> make(std::string_view name,
                                                                   const Credentials& credentials);
    GsaslMechanism(const GsaslMechanism&) = delete;
    GsaslMechanism& operator=(const GsaslMechanism&) = delete;
    ~GsaslMechanism() override;

    [[nodiscard]] Expected<Secret> respond(std::string_view challenge) override;
    [[nodiscard]] bool is_satisfied() const override { return is_satisfied_; }

  private:
    GsaslMechanism() = default;

    std::string name_;
    Gsasl* library_ = nullptr;
    Gsasl_session* session_ = nullptr;
    bool has_ended_ = false;  ///< the mechanism has said all it has to say
    bool is_satisfied_ = false;
};

}  // namespace postrider::sasl
