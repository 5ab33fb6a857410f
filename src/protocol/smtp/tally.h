#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "postrider/protocol/smtp/dialogue.h"

namespace postrider::smtp {

/// What is known of each recipient of the open transaction. Here, and only here, a recipient comes
/// to be delivered: by a positive answer to the content, while accepted and without another
/// outcome. The first outcome of a recipient is its last.
class Tally {
  public:
    explicit Tally(std::size_t recipients) : entries_(recipients) {}

    void refuse(std::size_t recipient, Stage stage, const Reply& reply);
    /// Of all that have no outcome yet.
    void refuse_all(Stage stage, const Reply& reply);

    /// MAIL was taken: the answers to RCPT are what is missing now.
    void sender_accepted();
    /// RCPT was taken.
    void accept(std::size_t recipient);
    /// 354: the answer to the content is what the accepted miss now.
    void content_begins();
    /// The final dot was handed out.
    void content_sent();
    /// Outcome of one, or all, of the accepted that have none.
    void settle(std::size_t recipient, Stage stage, const Reply& reply);
    void settle_accepted(Stage stage, const Reply& reply);

    /// The first from `from` on that has neither been accepted nor refused.
    [[nodiscard]] std::optional<std::size_t> next_pending(std::size_t from) const;
    /// Those that wait for the answer to the content, in order.
    [[nodiscard]] std::vector<std::size_t> accepted() const;
    [[nodiscard]] bool has_accepted() const;

    [[nodiscard]] std::vector<RecipientResult> results() const;

  private:
    enum class Standing : std::uint8_t { pending, accepted, settled };
    struct Entry {
        Standing standing = Standing::pending;
        RecipientResult result;
    };

    void conclude(std::size_t recipient, Stage stage, const Reply& reply);

    std::vector<Entry> entries_;
};

}  // namespace postrider::smtp
