#pragma once

#include <string>
#include <string_view>

#include "postrider/mail/message.h"

#include "mail/sha256.h"

namespace postrider::mail {

/// The digest that a message is known by: SHA-256 of its canonical form without the header fields
/// that servers write into it for themselves (mail/server_fields.h).
class ContentDigest {
  public:
    /// Canonical octets, in pieces split anywhere.
    void add(std::string_view octets);

    /// The digest of all that was added. To be called once.
    [[nodiscard]] Digest finish();

  private:
    /// Takes octets of the current header line from the front of `octets`.
    void take_from_line(std::string_view& octets);
    void decide();

    Sha256 hash_;
    bool in_header_ = true;
    bool is_decided_ = false;  ///< is it known what becomes of the current line?
    bool is_passed_over_ = false;
    std::string beginning_;  ///< of the current line, as long as that is not known
};

}  // namespace postrider::mail
