#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "postrider/base/error.h"

namespace postrider::mail {

/// An envelope address that is safe to write between '<' and '>' (S-013): one line, no control
/// octet, no blank, '<' or '>' outside a quoted local part, local part <= 64 and all <= 254 octets.
/// There is no other way to an address on the wire than through parse().
class Address {
  public:
    /// RFC 5321 section 4.1.2 Mailbox, or a bare local part ("alice"). No comments, no route.
    /// Errors: protocol, with the reason.
    [[nodiscard]] static Expected<Address> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool is_ascii() const;
    /// As written, with its quotes if it has any. Both point into this address.
    [[nodiscard]] std::string_view local_part() const;
    [[nodiscard]] std::string_view domain() const;  ///< empty for a bare local part
    // clang-tidy 14 takes the 0 of the generated comparison for a null pointer.
    auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr)

  private:
    explicit Address(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

}  // namespace postrider::mail
