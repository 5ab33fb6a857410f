#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/mail/message.h"

#include "sim/random.h"

namespace postrider::sim {

/// A message of a run: known by a number that its header carries.
struct SampleMail {
    std::string octets;     ///< as the POP3 server has it
    std::string delivered;  ///< as a destination has to get it, behind our own header lines
    mail::Digest sha256{};  ///< that the message is known by
    std::string sender;     ///< may be empty
    std::vector<std::string> recipients;  ///< whom it is for; nobody: it is to be held
};

/// A message that nobody else has, with whatever mail has in it: lines of dots, 8-bit octets, bare
/// LFs and CRs, no end of the last line, a Return-Path, nothing but a header; seldom a large one.
/// `fields` are lines of its header.
[[nodiscard]] SampleMail make_mail(std::uint64_t id, Random& random, std::string_view fields = "");

/// The number in the header of a message, whole or in part.
[[nodiscard]] std::optional<std::uint64_t> id_of(std::string_view octets);

/// What follows our own header lines, and the delivery id in them; nothing if they are not as they
/// should be.
struct Delivered {
    std::string_view delivery_id;
    std::string_view rest;
};
[[nodiscard]] std::optional<Delivered> without_own_header(std::string_view octets);

}  // namespace postrider::sim
