// The replies to commands, from LoggedIn to QuitDone.

#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

#include "protocol/pop3/machine.h"

namespace postrider::pop3 {

Dialogue::Machine::Report Dialogue::Machine::on_command_reply(std::string_view line,
                                                              std::string_view rest) {
    switch (parse_reply(line).status) {
        case Status::ok:
            return on_accepted(line, rest);
        case Status::err:
            return on_refused(line, rest);
        case Status::challenge:
        case Status::none:
            break;
    }
    return fail_no_reply(to_text(window_.front()), line);
}

Dialogue::Machine::Report Dialogue::Machine::on_accepted(std::string_view line,
                                                         std::string_view rest) {
    const Command command = window_.front();
    switch (command.verb) {
        case Verb::uidl:
            listing_ = ListingReader();
            has_uids_ = true;
            reading_ = Reading::uid_lines;
            return std::nullopt;
        case Verb::list:
            reading_ = Reading::size_lines;
            return std::nullopt;
        case Verb::retr:
        case Verb::top_all:
        case Verb::top_head:
            reading_ = Reading::message;
            return std::nullopt;
        case Verb::dele:
            window_.pop();
            return believe(Deleted{command.number}, rest);
        case Verb::noop:
            window_.pop();
            return believe(NoopDone{}, rest);
        case Verb::stat:
            window_.pop();
            return on_stat(line, rest);
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
            return on_uidl_refused(
                refusal({.asked = asked, .code = Errc::unsupported}, line, quoter_));
        case Verb::list:
            return on_list_refused(refusal({.asked = asked}, line, quoter_));
        case Verb::stat:
            return fail(*unlisted_);
        case Verb::top_head:
            return believe(HeadRefused{command.number, refusal({.asked = asked}, line, quoter_)},
                           rest);
        case Verb::retr:
        case Verb::top_all:
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

/// A server that lists UIDL and refuses it, or says that it is only for now, has UIDs; unless there
/// is nothing that could have one: LIST, which follows, tells.
Dialogue::Machine::Report Dialogue::Machine::on_uidl_refused(const Error& error) {
    listing_ = ListingReader();
    has_uids_ = capabilities_.uidl;
    if (error.code != Errc::unsupported) {
        return fail(error);
    }
    if (capabilities_.uidl) {
        unlisted_ = error;
        unlisted_->code = Errc::refused;
    }
    return std::nullopt;
}

/// Some servers refuse to list a mailbox that is empty: STAT tells.
Dialogue::Machine::Report Dialogue::Machine::on_list_refused(const Error& error) {
    if (error.code != Errc::refused || error.retry == Retry::never) {
        return fail(error);
    }
    if (!unlisted_) {
        unlisted_ = error;
    }
    window_.push({Verb::stat, 0});
    return std::nullopt;
}

Dialogue::Machine::Report Dialogue::Machine::on_stat(std::string_view line, std::string_view rest) {
    std::string_view text = parse_reply(line).text;
    if (next_word(text) != "0") {
        return fail(*unlisted_);
    }
    unlisted_.reset();
    begin_pipelining();
    return believe(ListingDone{{}, has_uids_}, rest);
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
    auto messages = has_uids_ && !unlisted_ ? listing_.join() : listing_.sizes_alone();
    if (!messages) {
        return fail(std::move(messages).error());
    }
    if (unlisted_ && !messages->empty()) {
        return fail(*unlisted_);
    }
    unlisted_.reset();
    begin_pipelining();
    return believe(ListingDone{std::move(*messages), has_uids_}, rest);
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
