#include "mail/line_canonicalizer.h"

#include <algorithm>
#include <cstddef>

namespace postrider::mail {
namespace {

constexpr std::string_view kCrlf = "\r\n";

/// The position of `octet` in [begin, end) of `text`, or `end`.
std::size_t find(std::string_view text, char octet, std::size_t begin, std::size_t end) {
    const std::size_t at = text.substr(begin, end - begin).find(octet);
    return at == std::string_view::npos ? end : begin + at;
}

/// A span as it came, then a line end in place of the one it had.
Expected<void> put_line(std::string_view span, MessageStore& out) {
    if (auto put = out.put(span); !put) return put;
    return out.put(kCrlf);
}

}  // namespace

Expected<void> LineCanonicalizer::append(std::string_view received, MessageStore& out) {
    if (received.empty()) return {};
    if (cr_pending_) {
        cr_pending_ = false;
        if (received.front() == '\n') received.remove_prefix(1);
        if (auto put = out.put(kCrlf); !put) return put;
        end_line(0);
    }
    if (received.ends_with('\r')) {
        cr_pending_ = true;
        received.remove_suffix(1);
    }
    return pass(received, out);
}

/// Passes on `text`, in which each CR is bare unless an LF follows within it.
Expected<void> LineCanonicalizer::pass(std::string_view text, MessageStore& out) {
    std::size_t kept = 0;  // [kept, line) is canonical and waits to be put as one span
    std::size_t line = 0;
    while (line < text.size()) {
        const std::size_t lf = find(text, '\n', line, text.size());
        const bool ended = lf < text.size();
        const bool canonical = ended && lf > line && text[lf - 1] == '\r';
        const std::size_t end = canonical ? lf - 1 : lf;
        for (std::size_t cr = find(text, '\r', line, end); cr < end;
             cr = find(text, '\r', line, end)) {
            if (auto put = put_line(text.substr(kept, cr - kept), out); !put) return put;
            end_line(cr - line);
            kept = line = cr + 1;
        }
        if (!ended) {
            line_ += end - line;
            break;
        }
        if (!canonical) {
            if (auto put = put_line(text.substr(kept, lf - kept), out); !put) return put;
            kept = lf + 1;
        }
        end_line(end - line);
        line = lf + 1;
    }
    return out.put(text.substr(kept));
}

Expected<void> LineCanonicalizer::finish(MessageStore& out) {
    if (!cr_pending_ && line_ == 0) return {};
    cr_pending_ = false;
    end_line(0);
    return out.put(kCrlf);
}

void LineCanonicalizer::end_line(std::uint64_t octets) {
    longest_ = std::max(longest_, line_ + octets);
    line_ = 0;
}

}  // namespace postrider::mail
