#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"

#include "protocol/smtp/commands.h"
#include "protocol/smtp/machine.h"

// One transaction of the session: envelope, content, and how it ends.
namespace postrider::smtp {

void Dialogue::Machine::begin(Transaction transaction) {
    POSTRIDER_ASSERT(state_ == State::ready);
    const std::size_t recipients = transaction.envelope.recipients.size();
    POSTRIDER_ASSERT(recipients > 0);
    open_.emplace(Open{std::move(transaction), Tally(recipients)});
    const OriginalClient& client = open_->transaction.client;
    if (settings_.use_xclient && announced_ != client) {
        enter(State::xclient);
        write(xclient_command(client, capabilities_), {Command::xclient});
        return;
    }
    open_envelope();
}

void Dialogue::Machine::open_envelope() {
    refuse_unsendable();
    if (!open_->tally.next_pending(0)) {
        settle(true);
        return;
    }
    open_->is_chunked =
        settings_.use_chunking && capabilities_.chunking && capabilities_.pipelining;
    enter(State::envelope);
    const bool asks_for_content = send_next_group().has_value();
    POSTRIDER_ASSERT(!asks_for_content);  // not before the first reply
}

/// What the server has told it cannot take is not sent: it could only be refused, and a refusal
/// costs a round trip and counts against us.
void Dialogue::Machine::refuse_unsendable() {
    Tally& tally = open_->tally;
    Transaction& transaction = open_->transaction;
    if (capabilities_.max_size != 0 && transaction.size > capabilities_.max_size) {
        tally.refuse_all(Stage::mail,
                         {552, "5.3.4",
                          fmt::format("message of {} octets exceeds the destination's limit of {}",
                                      transaction.size, capabilities_.max_size)});
    }
    if (settings_.needs_8bitmime && transaction.has_8bit && !capabilities_.eight_bit_mime) {
        tally.refuse_all(Stage::mail,
                         {554, "5.6.3",
                          "8-bit message, and the destination does not offer 8BITMIME (eight_bit: "
                          "hold)"});
    }
    if (capabilities_.smtputf8) return;
    mail::Envelope& envelope = transaction.envelope;
    if (envelope.sender) envelope.sender = envelope.sender->to_ascii();
    for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
        if (auto in_ascii = envelope.recipients[i].to_ascii()) {
            envelope.recipients[i] = *std::move(in_ascii);
        } else {
            tally.refuse(i, Stage::rcpt,
                         {553, "5.6.7",
                          "the address is not ASCII in its local part, or its domain has no ASCII "
                          "form, and the destination does not offer SMTPUTF8"});
        }
    }
}

/// Without PIPELINING one command at a time. With it (RFC 2920) MAIL, up to kMaxGroup RCPTs and, if
/// nobody is left to name, DATA go out together; DATA is the last of its group. With BDAT the
/// content waits for the answers: a chunk for nobody would be refused.
Dialogue::Machine::MaybeEvent Dialogue::Machine::send_next_group() {
    POSTRIDER_ASSERT(expected_.empty());
    const bool grouped = capabilities_.pipelining;
    Open& open = *open_;
    if (!open.mail_written) {
        open.mail_written = true;
        write(mail_command(open.transaction, capabilities_, settings_.dsn), {Command::mail});
        if (!grouped) return std::nullopt;
    }
    auto recipient = open.tally.next_pending(open.next_recipient);
    const bool names_some = recipient.has_value();
    for (std::size_t room = grouped ? kMaxGroup : 1; recipient && room > 0; --room) {
        write(rcpt_command(open.transaction.envelope.recipients[*recipient], capabilities_,
                           settings_.dsn),
              {Command::rcpt, *recipient});
        open.next_recipient = *recipient + 1;
        recipient = open.tally.next_pending(open.next_recipient);
    }
    if (recipient || (names_some && (!grouped || open.is_chunked))) return std::nullopt;
    if (!names_some && !open.tally.has_accepted()) {
        finish_undelivered();
        return std::nullopt;
    }
    if (open.is_chunked) return begin_content();
    write("DATA\r\n", {Command::data});
    return std::nullopt;
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::on_envelope(Awaited awaited, const Reply& reply) {
    if (!reply.is_positive()) {
        record(awaited, reply);
    } else {
        open_->at_server = true;
        if (awaited.command == Command::mail) open_->tally.sender_accepted();
        if (awaited.command == Command::rcpt) open_->tally.accept(awaited.recipient);
    }
    if (!expected_.empty()) return std::nullopt;
    return send_next_group();
}

Dialogue::Machine::MaybeEvent Dialogue::Machine::on_data(Awaited awaited, const Reply& reply) {
    if (reply.is_transient() || reply.is_permanent()) {
        record(awaited, reply);
        finish_undelivered();
        return std::nullopt;
    }
    open_->at_server = true;
    if (open_->tally.has_accepted()) return begin_content();
    // Nobody is to get it, so nothing is sent (RFC 2920 section 3.1). LMTP's dot is answered once
    // for each accepted recipient (RFC 2033 section 4.2): for none, never, or who knows.
    if (is_lmtp()) {
        settle(false);
    } else {
        enter(State::lone_dot);
        write(".\r\n", {Command::dot});
    }
    return std::nullopt;
}

Event Dialogue::Machine::begin_content() {
    open_->tally.content_begins();
    stuffer_ = {};
    enter(State::content);
    return SendContent{};
}

void Dialogue::Machine::send_content(std::string_view piece) {
    POSTRIDER_ASSERT(state_ == State::content);
    if (!open_->is_chunked) {
        stuffer_.append(piece, output_);
    } else if (!piece.empty()) {
        write(fmt::format("BDAT {}\r\n", piece.size()), {Command::chunk});
        output_.append(piece);
    }
}

void Dialogue::Machine::end_content() {
    POSTRIDER_ASSERT(state_ == State::content);
    enter(State::final_dot);
    if (open_->is_chunked) {
        output_ += "BDAT 0 LAST\r\n";
    } else {
        stuffer_.finish(output_);
    }
    if (!is_lmtp()) {
        write("", {Command::dot});
        return;
    }
    for (const std::size_t recipient : open_->tally.accepted()) {
        write("", {Command::dot, recipient});
    }
}

/// A chunk that was refused ends the transaction, and with more of them on the way the connection
/// (RFC 3030 section 2): what the server makes of them does not count.
void Dialogue::Machine::on_chunk(Awaited awaited, const Reply& reply) {
    if (reply.is_positive()) return;
    record(awaited, reply);
    settle(false);
}

void Dialogue::Machine::on_dot(Awaited awaited, const Reply& reply) {
    if (state_ == State::lone_dot) {
        finish_undelivered();
        return;
    }
    record(awaited, reply);
    if (expected_.empty()) settle(true);
}

/// RSET makes sure that nothing of this transaction meets the next one (S-021).
void Dialogue::Machine::finish_undelivered() {
    if (!open_->at_server) {
        settle(true);
        return;
    }
    enter(State::resetting);
    write("RSET\r\n", {Command::rset});
}

void Dialogue::Machine::settle(bool usable) {
    open_->usable = usable;
    if (!usable) drop_output();
    enter(State::settled);
}

/// Gives the reply to those whose outcome it is.
void Dialogue::Machine::record(Awaited awaited, const Reply& reply) {
    switch (awaited.command) {
        case Command::xclient:
        case Command::mail:
            open_->tally.refuse_all(Stage::mail, reply);
            break;
        case Command::rcpt:
            open_->tally.refuse(awaited.recipient, Stage::rcpt, reply);
            break;
        case Command::data:
            open_->tally.settle_accepted(Stage::data, reply);
            break;
        case Command::chunk:
            open_->tally.settle_accepted(Stage::content, reply);
            break;
        case Command::dot:
            if (is_lmtp()) {
                open_->tally.settle(awaited.recipient, Stage::content, reply);
            } else {
                open_->tally.settle_accepted(Stage::content, reply);
            }
            break;
        case Command::greeting:
        case Command::ehlo:
        case Command::helo:
        case Command::starttls:
        case Command::auth:
        case Command::rset:
            break;
    }
}

Phase Dialogue::Machine::envelope_phase() const {
    switch (expected_.front().command) {
        case Command::mail:
            return Phase::mail;
        case Command::rcpt:
            return Phase::rcpt;
        case Command::data:
            return Phase::data;
        case Command::greeting:
        case Command::ehlo:
        case Command::helo:
        case Command::starttls:
        case Command::auth:
        case Command::xclient:
        case Command::chunk:
        case Command::dot:
        case Command::rset:
            break;
    }
    return Phase::mail;
}

}  // namespace postrider::smtp
