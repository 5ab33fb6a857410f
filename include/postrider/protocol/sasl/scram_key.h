#pragma once

#include <cstdint>
#include <string>

#include "postrider/base/secret.h"
#include "postrider/mail/digests.h"

namespace postrider::sasl {

// Bounds on what a server may ask for (P-015). Fewer iterations than RFC 7677 section 4 asks for
// would make the password cheap to guess for who poses as the server; more would take minutes.
inline constexpr std::uint32_t kMinIterations = 4096;
inline constexpr std::uint32_t kMaxIterations = 1'000'000;

/// What SCRAM's SaltedPassword (RFC 5802 section 3) is computed from: seconds of work, if the
/// server wants so many iterations.
struct KeyRequest {
    mail::Hash hash = mail::Hash::sha256;
    Secret password;  ///< prepared by SASLprep
    std::string salt;
    std::uint32_t iterations = 0;
};

/// Blocks. May run on any thread.
[[nodiscard]] Secret derive_key(const KeyRequest& request);

}  // namespace postrider::sasl
