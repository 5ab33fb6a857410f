#include "protocol/pop3/line_reader.h"

namespace postrider::pop3 {

LineReader::Result LineReader::next(std::string_view& input, std::size_t limit) {
    if (handed_out_) {
        carried_.clear();
        handed_out_ = false;
    }
    const std::size_t lf = input.find('\n');
    const bool complete = lf != std::string_view::npos;
    const std::string_view piece = input.substr(0, complete ? lf : input.size());

    // One octet more than the limit may be there: the CR that belongs to the line end.
    const std::size_t length = carried_.size() + piece.size();
    const char last = !piece.empty() ? piece.back() : (carried_.empty() ? '\0' : carried_.back());
    const bool ends_in_cr = last == '\r';
    if (length > limit && !(ends_in_cr && length == limit + 1)) {
        return {Outcome::too_long, {}, false};
    }
    if (!complete) {
        carried_.append(piece);
        input = {};
        return {Outcome::need_more, {}, false};
    }
    const std::size_t text_length = ends_in_cr ? length - 1 : length;
    input.remove_prefix(lf + 1);
    if (carried_.empty()) {
        return {Outcome::line, piece.substr(0, text_length), !ends_in_cr};
    }
    carried_.append(piece);
    handed_out_ = true;
    return {Outcome::line, std::string_view(carried_).substr(0, text_length), !ends_in_cr};
}

}  // namespace postrider::pop3
