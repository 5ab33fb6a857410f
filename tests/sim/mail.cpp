#include "sim/mail.h"

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "mail/content_digest.h"

namespace postrider::sim {

namespace {

constexpr std::string_view kIdField = "X-Sim-Id: ";
constexpr std::string_view kOwnId = "X-Postrider-Id: ";
constexpr std::string_view kReceived = "Received: ";

std::string some_line(Random& random) {
    switch (random.below(8)) {
        case 0:
            return ".";
        case 1:
            return "..";
        case 2:
            return ".hidden";
        case 3:
            return "From here on";
        case 4:
            return "na\xefve \xc3\xa9t\xc3\xa9 \xff";
        case 5:
            return "";
        case 6:
            return std::string(random.below(1200), 'x');
        default:
            return fmt::format("line {}", random.next());
    }
}

/// Nearly always CRLF.
std::string_view some_line_end(Random& random) {
    switch (random.below(24)) {
        case 0:
            return "\n";
        case 1:
            return "\r";
        default:
            return "\r\n";
    }
}

/// Every line end as CRLF, the last line with one: said here again, in other words than the
/// program's.
std::string canonical(std::string_view octets) {
    std::string out;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (octets[i] == '\r') {
            out += "\r\n";
            i += octets.substr(i + 1, 1) == "\n" ? 1U : 0U;
        } else if (octets[i] == '\n') {
            out += "\r\n";
        } else {
            out += octets[i];
        }
    }
    return out.empty() || out.ends_with("\r\n") ? out : out + "\r\n";
}

}  // namespace

SampleMail make_mail(std::uint64_t id, Random& random, std::string_view fields) {
    const std::string sender = random.coin() ? fmt::format("sender{}@example.net", id) : "";
    const std::string return_path =
        sender.empty() ? "" : fmt::format("Return-Path: <{}>\r\n", sender);
    std::string rest =
        fmt::format("From: sender{0}@example.net\r\n{1}{0}\r\n{2}Subject: the message {0}\r\n", id,
                    kIdField, fields);
    if (!random.one_in(16)) {
        rest += "\r\n";
        const std::uint64_t lines = random.one_in(400) ? 1500 : random.skewed(30);
        bool is_odd = false;
        for (std::uint64_t i = 0; i < lines; ++i) {
            // A dot behind a bare LF could be the end of the message: no server sends that.
            rest += is_odd ? "and on" : some_line(random);
            const std::string_view end = some_line_end(random);
            is_odd = end != "\r\n";
            rest += end;
        }
        rest += fmt::format("end of {}", id);
        rest += random.one_in(8) ? "" : "\r\n";
    }
    SampleMail made;
    made.sender = sender;
    made.octets = return_path + rest;
    made.delivered = canonical(rest);
    mail::ContentDigest hash;
    hash.add(return_path);
    hash.add(made.delivered);
    made.sha256 = hash.finish();
    return made;
}

std::optional<std::uint64_t> id_of(std::string_view octets) {
    const std::size_t field = octets.find(kIdField);
    if (field == std::string_view::npos) {
        return std::nullopt;
    }
    octets.remove_prefix(field + kIdField.size());
    return parse_unsigned(octets.substr(0, octets.find('\r')));
}

std::optional<Delivered> without_own_header(std::string_view octets) {
    if (!octets.starts_with(kOwnId)) {
        return std::nullopt;
    }
    Delivered delivered;
    delivered.delivery_id = octets.substr(kOwnId.size());
    delivered.delivery_id = delivered.delivery_id.substr(0, delivered.delivery_id.find('\r'));
    octets.remove_prefix(octets.find("\r\n") + 2);
    if (!octets.starts_with(kReceived)) {
        return std::nullopt;
    }
    do {
        octets.remove_prefix(octets.find("\r\n") + 2);
    } while (octets.starts_with(' ') || octets.starts_with('\t'));
    delivered.rest = octets;
    return delivered;
}

}  // namespace postrider::sim
