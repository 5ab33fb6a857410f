#include "protocol/pop3/window.h"

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/protocol/pop3/dialogue.h"

namespace postrider::pop3 {

std::string to_text(const Command& command) {
    switch (command.verb) {
        case Verb::uidl:
            return "UIDL";
        case Verb::list:
            return "LIST";
        case Verb::retr:
            return fmt::format("RETR {}", command.number);
        case Verb::top_all:
            return fmt::format("TOP {} 99999999", command.number);
        case Verb::top_head:
            return fmt::format("TOP {} 0", command.number);
        case Verb::dele:
            return fmt::format("DELE {}", command.number);
        case Verb::noop:
            return "NOOP";
        case Verb::stat:
            return "STAT";
    }
    POSTRIDER_ASSERT(false);
    return {};
}

void Window::fill(std::string& output) {
    const std::size_t full = pipelining_ ? kWindowFull : 1;
    const std::size_t low = pipelining_ ? kWindowLow : 0;
    if (in_flight_ <= low) {
        open_ = true;
    }
    while (open_ && in_flight_ < commands_.size()) {
        output += to_text(commands_[in_flight_]);
        output += "\r\n";
        ++in_flight_;
        open_ = in_flight_ < full;
    }
}

const Command& Window::front() const {
    POSTRIDER_ASSERT(in_flight_ > 0);
    return commands_.front();
}

void Window::pop() {
    POSTRIDER_ASSERT(in_flight_ > 0);
    commands_.pop_front();
    --in_flight_;
}

}  // namespace postrider::pop3
