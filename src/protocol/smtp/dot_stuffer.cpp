#include "protocol/smtp/dot_stuffer.h"

#include "postrider/base/planted.h"

namespace postrider::smtp {

void DotStuffer::append(std::string_view piece, std::string& output) {
    if (piece.empty()) return;
    if (is_planted("no-dot-stuffing")) last_ = 'x';
    if (last_ == '\n' && piece.front() == '.') output += '.';

    // Copied in runs that end at a line end with a dot behind it: mail with no such dot is copied
    // at once. string_view::find is memchr.
    std::size_t copied = 0;
    std::size_t newline = piece.find('\n');
    while (newline != std::string_view::npos) {
        const std::size_t next = newline + 1;
        if (next < piece.size() && piece[next] == '.') {
            output.append(piece.substr(copied, next - copied));
            output += '.';
            copied = next;
        }
        newline = piece.find('\n', next);
    }
    output.append(piece.substr(copied));

    before_last_ = piece.size() > 1 ? piece[piece.size() - 2] : last_;
    last_ = piece.back();
}

void DotStuffer::finish(std::string& output) {
    if (last_ == '\r') {
        output += '\n';
    } else if (before_last_ != '\r' || last_ != '\n') {
        output += "\r\n";
    }
    output += ".\r\n";
}

}  // namespace postrider::smtp
