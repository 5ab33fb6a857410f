#include "sink/local_content.h"

#include <algorithm>
#include <utility>

namespace postrider::sink {

LocalContent::LocalContent(std::shared_ptr<const mail::OutgoingMessage> message, std::string top,
                           mail::LineEnds line_ends)
    : message_(std::move(message)),
      reader_(*message_),
      top_(std::move(top)),
      line_ends_(line_ends) {}

Expected<std::string_view> LocalContent::next() {
    if (!top_.empty()) {
        piece_ = std::exchange(top_, {});
    } else {
        auto piece = reader_.next();
        if (!piece || piece->empty() || line_ends_ == mail::LineEnds::crlf) {
            return piece;
        }
        piece_ = *piece;
    }
    if (line_ends_ == mail::LineEnds::lf) {
        piece_.erase(std::remove(piece_.begin(), piece_.end(), '\r'), piece_.end());
        if (piece_.empty()) {
            return next();  // it was the first half of a CRLF; an empty piece would be the end
        }
    }
    return piece_;
}

std::string return_path_line(const mail::Envelope& envelope) {
    return "Return-Path: <" + (envelope.sender ? envelope.sender->text() : "") + ">\r\n";
}

}  // namespace postrider::sink
