// The replies to commands, from LoggedIn to QuitDone.

#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"

#include "protocol/pop3/machine.h"

namespace postrider::pop3 {

Dialogue::Machine::Report Dialogue::Machine::on_command_reply(std::string_view line,
                                                              std::string_view rest) {
    switch (parse_reply(line).status) {
        case Status::ok:
            return on_accepted(rest);
        case Status::err:
            return on_refused(line, rest);
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail_no_reply(to_text(window_.front()), line);
}

Dialogue::Machine::Report Dialogue::Machine::on_accepted(std::string_view rest) {
    const Command command = window_.front();
    switch (command.verb) {
        case Verb::uidl:
            listing_ = ListingReader();
            reading_ = Reading::uid_lines;
            return std::nullopt;
        case Verb::list:
            reading_ = Reading::size_lines;
            return std::nullopt;
        case Verb::retr:
            reading_ = Reading::message;
            return std::nullopt;
        case Verb::dele:
            window_.pop();
            return believe(Deleted{command.number}, rest);
        case Verb::noop:
            window_.pop();
            return believe(NoopDone{}, rest);
    }
    POSTRIDER_ASSERT(false);
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_refused(std::string_view line,
                                                        std::string_view rest) {
    const Command command = window_.front();
    const std::string asked = to_text(command);
    window_.pop();
    switch (command.verb) {
        case Verb::uidl:
            return fail(refusal({.asked = asked,
                                 .code = Errc::unsupported,
                                 .retry = Retry::never,
                                 .advice = "without the UIDs of UIDL mail cannot be kept on this "
                                           "server, as nothing would tell old mail from new"},
                                line, quoter_));
        case Verb::list:
            return fail(refusal({.asked = asked}, line, quoter_));
        case Verb::retr:
            return believe(MessageRefused{command.number, refusal({.asked = asked}, line, quoter_)},
                           rest);
        case Verb::dele:
            return believe(DeleteRefused{command.number, refusal({.asked = asked}, line, quoter_)},
                           rest);
        case Verb::noop:
            // Any reply shows what NOOP is sent for: the server is there and keeps the session.
            return believe(NoopDone{}, rest);
    }
    POSTRIDER_ASSERT(false);
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_listing_line(std::string_view line) {
    auto added = reading_ == Reading::uid_lines ? listing_.add_uid(line) : listing_.add_size(line);
    if (!added) {
        Error error = std::move(added).error();
        error.text += fmt::format(" (the line is {})", quoter_.quoted(line));
        return fail(std::move(error));
    }
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_listing_end(std::string_view rest) {
    const bool is_last = reading_ == Reading::size_lines;
    reading_ = Reading::status_line;
    window_.pop();
    if (!is_last) {
        return std::nullopt;
    }
    auto messages = listing_.join();
    if (!messages) {
        return fail(std::move(messages).error());
    }
    return believe(ListingDone{std::move(*messages)}, rest);
}

Dialogue::Machine::Report Dialogue::Machine::on_quit_reply(std::string_view line,
                                                           std::string_view rest) {
    switch (parse_reply(line).status) {
        case Status::ok:
            enter(State::quit_done);
            return believe(QuitDone{}, rest);
        case Status::err:
            enter(State::quit_done);
            return believe(
                QuitDone{failure(refusal({.asked = "QUIT",
                                          .advice = "which of the deletions took effect is "
                                                    "unknown"},
                                         line, quoter_))},
                rest);
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail_no_reply("QUIT", line);
}

}  // namespace postrider::pop3
