#include "postrider/mail/header_scan.h"

#include <algorithm>

#include "postrider/base/text.h"

#include "mail/header_top.h"
#include "mail/octets.h"

namespace postrider::mail {
namespace {

/// RFC 5322 section 2.2.3: the line ends go, the blanks behind them stay.
std::string unfolded(std::string_view value) {
    std::string text(trimmed(value));
    std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
    return text;
}

class Scanner {
  public:
    explicit Scanner(std::string_view head)
        : head_(head.substr(0, kHeaderScanLimit)), is_whole_(head.size() < kHeaderScanLimit) {}

    HeaderScan run();

  private:
    [[nodiscard]] std::size_t field_end(std::size_t begin) const;
    void take_field(const FieldStart& field, std::size_t begin, std::size_t end);

    std::string_view head_;
    bool is_whole_;  ///< the message ends where head_ ends
    HeaderScan scan_;
    bool return_path_seen_ = false;
    bool received_block_ended_ = false;
};

/// Where the field that begins at `begin` ends; npos if that lies beyond the head.
std::size_t Scanner::field_end(std::size_t begin) const {
    std::size_t at = begin + line_at(head_, begin).size();
    while (at < head_.size() && is_blank(head_[at])) at += line_at(head_, at).size();
    return at < head_.size() || is_whole_ ? at : std::string_view::npos;
}

HeaderScan Scanner::run() {
    std::size_t at = header_top(head_).fields_begin;
    while (at < head_.size()) {
        const std::string_view line = line_at(head_, at);
        if (line == "\r\n" || line == "\n") {
            scan_.complete = true;
            break;
        }
        const std::optional<FieldStart> field = field_start(line);
        if (!field) break;
        const std::size_t end = field_end(at);
        if (end == std::string_view::npos) break;
        take_field(*field, at, end);
        at = end;
    }
    scan_.header_octets = at;
    scan_.complete = scan_.complete || (is_whole_ && at == head_.size());
    return std::move(scan_);
}

void Scanner::take_field(const FieldStart& field, std::size_t begin, std::size_t end) {
    if (iequals(field.name, "Received")) {
        ++scan_.received_count;
        return;
    }
    if (!iequals(field.name, "Return-Path")) {
        received_block_ended_ = scan_.received_count > 0;
        return;
    }
    const bool topmost = !return_path_seen_;
    return_path_seen_ = true;
    if (topmost && !received_block_ended_ && end - begin <= kFieldLimit) {
        const std::size_t value = begin + field.value_begin;
        scan_.return_path = unfolded(head_.substr(value, end - value));
    }
    scan_.return_path_fields.push_back({.begin = begin, .end = end});
}

}  // namespace

HeaderScan scan_header(std::string_view head) {
    return Scanner(head).run();
}

}  // namespace postrider::mail
