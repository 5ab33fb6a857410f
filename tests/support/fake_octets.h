#pragma once

#include <string>

#include "postrider/mail/outgoing.h"

namespace postrider::test {

/// All octets of a message as a destination gets it; a message that cannot be read is a failure of
/// the test.
[[nodiscard]] std::string octets_of(const mail::OutgoingMessage& message);

}  // namespace postrider::test
