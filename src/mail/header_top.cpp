#include "mail/header_top.h"

#include <algorithm>
#include <array>

#include "postrider/base/text.h"

#include "mail/octets.h"

namespace postrider::mail {
namespace {

bool is_empty_line(std::string_view line) {
    return line == "\r\n" || line == "\n";
}

/// Fields that a header begins with, and a body hardly ever.
bool is_known(std::string_view name) {
    constexpr std::array<std::string_view, 10> kNames = {
        "Return-Path", "Received", "Delivered-To", "X-Original-To", "From",
        "To",          "Date",     "Subject",      "Message-ID",    "MIME-Version"};
    return std::any_of(kNames.begin(), kNames.end(),
                       [name](std::string_view known) { return iequals(known, name); });
}

bool begins_known_field(std::string_view line) {
    const auto field = field_start(line);
    return field && is_known(field->name);
}

/// Where the line that begins at `begin` ends, continuation lines included.
std::size_t end_of_folded(std::string_view head, std::size_t begin) {
    std::size_t at = begin + line_at(head, begin).size();
    while (at < head.size() && is_blank(head[at])) at += line_at(head, at).size();
    return at;
}

/// After empty lines: a field that headers begin with, and another one.
HeaderTop top_of_blank(std::string_view head) {
    std::size_t at = 0;
    while (at < head.size() && is_empty_line(line_at(head, at))) at += line_at(head, at).size();
    const bool is_header = begins_known_field(line_at(head, at)) &&
                           field_start(line_at(head, end_of_folded(head, at)));
    return is_header ? HeaderTop{HeaderTop::Kind::blank, at} : HeaderTop();
}

}  // namespace

std::optional<FieldStart> field_start(std::string_view line) {
    std::size_t end = 0;
    while (end < line.size() && is_ftext(line[end])) ++end;
    std::size_t colon = end;
    while (colon < line.size() && is_blank(line[colon])) ++colon;
    if (end == 0 || colon == line.size() || line[colon] != ':') return std::nullopt;
    return FieldStart{.name = line.substr(0, end), .value_begin = colon + 1};
}

std::string_view line_at(std::string_view head, std::size_t begin) {
    const std::size_t lf = head.find('\n', begin);
    return head.substr(begin, lf == std::string_view::npos ? lf : lf + 1 - begin);
}

HeaderTop header_top(std::string_view head) {
    using Kind = HeaderTop::Kind;
    const std::string_view first = line_at(head, 0);
    if (head.empty() || field_start(first)) return {};
    if (is_empty_line(first)) return top_of_blank(head);
    const std::size_t end = end_of_folded(head, 0);
    const std::string_view next = line_at(head, end);
    const bool is_mbox = first.starts_with("From ") || first.starts_with(">From ");
    const bool is_continuation = is_blank(first.front());
    if ((is_mbox || is_continuation) &&
        (next.empty() || is_empty_line(next) || field_start(next))) {
        return {is_mbox ? Kind::mbox_line : Kind::orphan, end};
    }
    return begins_known_field(next) ? HeaderTop{Kind::orphan, end} : HeaderTop{Kind::no_header, 0};
}

}  // namespace postrider::mail
