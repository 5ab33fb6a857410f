#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/secret.h"

namespace postrider::pop3 {

/// Quotes a server in texts for people: escaped, and never with a secret in it. A server may repeat
/// what it was sent ("-ERR bad password 'hunter2'"), at login or at any later time.
class Quoter {
  public:
    /// From now on nothing that contains `secret` is quoted.
    void withhold(Secret secret);

    [[nodiscard]] std::string quoted(std::string_view bytes) const;
    /// The same without the quotes, and up to `max` octets of it.
    [[nodiscard]] std::string shown(std::string_view bytes, std::size_t max) const;

  private:
    [[nodiscard]] bool repeats_secret(std::string_view bytes) const;

    std::vector<Secret> withheld_;
};

}  // namespace postrider::pop3
