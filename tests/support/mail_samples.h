#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Mail as it ought to be and as it comes: samples for every test that moves messages.
namespace postrider::test {

struct MailSample {
    std::string name;    ///< says what is odd about it
    std::string octets;  ///< as a server holds it, before dot-stuffing
};

/// What the canonical form is by definition, octet by octet: the yardstick for the fast code.
[[nodiscard]] std::string naive_canonical(std::string_view received);

/// Does every CR stand before an LF and every LF behind a CR, and does the last line end?
[[nodiscard]] bool is_canonical(std::string_view octets);

/// A small correct message with a text of about `body_octets` in lines of 72.
[[nodiscard]] std::string plain_mail(std::string_view subject, std::size_t body_octets = 200);

/// A correct message below the given Return-Path value and one Received field.
[[nodiscard]] std::string mail_with_return_path(std::string_view value);

/// The line ends by which one message has been passed off as two (SMTP smuggling, A-020).
[[nodiscard]] const std::vector<std::string>& smuggling_sequences();

/// Each of those sequences in the header, at its end, in the body and at the end of the message,
/// with an SMTP dialogue behind it where something follows.
[[nodiscard]] std::vector<MailSample> smuggling_mails();

/// NUL in a field name, in a value, at the ends of lines, behind a dot, alone (S-010).
[[nodiscard]] std::vector<MailSample> nul_mails();

/// Header and body that are missing, empty, out of place, 8-bit or unended (S-025, S-028).
[[nodiscard]] std::vector<MailSample> misshapen_mails();

/// A message whose body has one line of `octets` (S-008).
[[nodiscard]] std::string mail_with_line(std::size_t octets);

/// Header bombs: many fields, one field of many lines, one field of many octets.
[[nodiscard]] std::string mail_with_fields(std::size_t fields);
[[nodiscard]] std::string mail_with_continuations(std::size_t lines);
[[nodiscard]] std::string mail_with_field_of(std::size_t octets);

/// The same octets for the same seed, drawn from `alphabet` or, if that is empty, from all.
[[nodiscard]] std::string random_octets(std::uint32_t seed, std::size_t octets,
                                        std::string_view alphabet = {});

/// Every string over `alphabet` of at most `longest` octets, the empty one included.
[[nodiscard]] std::vector<std::string> all_strings(std::string_view alphabet, std::size_t longest);

}  // namespace postrider::test
