#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/protocol/smtp/dialogue.h"
#include "postrider/sink/sink.h"

namespace postrider::sink {

/// What a transaction's results mean: a verdict per recipient, and whether it was the destination
/// that failed rather than the message (design section 2, S-016). Pure.
[[nodiscard]] DeliveryReport report_of(const std::vector<smtp::RecipientResult>& results);

/// The same for a connection that went down during a transaction with `recipients` recipients;
/// `results` may be empty. Who has no final answer is put off, or ambiguous if the final dot was
/// out.
[[nodiscard]] DeliveryReport report_of_failure(const Error& why,
                                               const std::vector<smtp::RecipientResult>& results,
                                               std::size_t recipients);

/// The error of a session that the server ended or refused: its words, and whether a person must
/// act (5xx to the greeting or EHLO, 530, 535, 538).
[[nodiscard]] Error session_error(const Error& error, const std::optional<smtp::Reply>& reply);

}  // namespace postrider::sink
