#pragma once

#include <compare>
#include <optional>
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
    /// The same for who knows ASCII only: its domain in A-labels ("xn--...", RFC 5891), after the
    /// mapping of UTS 46. Nothing where the local part is not ASCII or the domain has no such form.
    [[nodiscard]] std::optional<Address> to_ascii() const;
    /// As written, with its quotes if it has any. Both point into this address.
    [[nodiscard]] std::string_view local_part() const;
    [[nodiscard]] std::string_view domain() const;  ///< empty for a bare local part
    // clang-tidy 14 takes the 0 of the generated comparison for a null pointer.
    auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr)

  private:
    explicit Address(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

/// A domain as it is compared with others: in lower case, and in A-labels if it has that form.
/// `domain` may be empty or anything that no mail address has.
[[nodiscard]] std::string comparable_domain(std::string_view domain);

/// A whole address so: its local part in lower case, as mail systems compare it.
[[nodiscard]] std::string comparable(std::string_view address);

}  // namespace postrider::mail
