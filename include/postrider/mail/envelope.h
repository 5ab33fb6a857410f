#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "postrider/mail/address.h"
#include "postrider/mail/header_scan.h"

namespace postrider::mail {

/// RFC 5321 section 2.3.1. No sender means the null sender "<>".
struct Envelope {
    std::optional<Address> sender;
    std::vector<Address> recipients;
};

/// The sender that a Return-Path names: angle brackets, comments and a source route are taken off
/// (S-011). `field_value` is unfolded. An address without brackets must be the whole value. The
/// null path, whatever cannot be an address with a domain, and a value with more than one address
/// give the null sender (S-012): a wrong guess would send bounces to somebody who is not concerned.
[[nodiscard]] std::optional<Address> sender_of_return_path(std::string_view field_value);

/// The envelope of a fetched message: the Return-Path becomes MAIL FROM (RFC 5321 section 4.4).
[[nodiscard]] Envelope make_envelope(const HeaderScan& scan, std::vector<Address> recipients);

}  // namespace postrider::mail
