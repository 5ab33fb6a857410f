#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/protocol/smtp/dialogue.h"

#include "protocol/smtp/authentication.h"
#include "protocol/smtp/dot_stuffer.h"
#include "protocol/smtp/reply_reader.h"
#include "protocol/smtp/tally.h"

namespace postrider::smtp {

/// The inside of Dialogue: which reply is due, and what follows from it.
///
/// A command counts as sent once take_output() has handed it out. A reply that begins before is an
/// answer to nothing: so a server cannot answer ahead, not even within one read.
class Dialogue::Machine {
  public:
    explicit Machine(Settings settings);

    [[nodiscard]] Event next(std::string_view& input);
    [[nodiscard]] std::string take_output();
    void tls_started();
    void key_derived(const Secret& key);
    void begin(Transaction transaction);
    void send_content(std::string_view piece);
    void end_content();
    void quit();
    [[nodiscard]] std::vector<RecipientResult> abandoned();
    [[nodiscard]] Phase phase() const;
    [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }

  private:
    //  greeting -> hello -> [auth] -> greeted -> ready -> envelope -> content -> final_dot ->
    //  settled
    //               |  ^                 ^         |        |   |                              | |
    //               v  |                 |         v        |   +-> lone_dot -+                | v
    //        starttls -> tls             |      quitting    +-----------------+-> resetting ---+
    //        over
    //                                    +-----------------------------------------------------+
    // Within auth: auth <-> deriving. With XCLIENT: ready -> xclient -> hello -> [auth] ->
    // envelope. From anywhere: over.
    enum class State : std::uint8_t {
        greeting,
        hello,      // EHLO, LHLO or HELO is out
        starttls,   // STARTTLS is out
        tls,        // the handshake is the stream's
        auth,       // AUTH, or an answer to a challenge, is out
        deriving,   // KeyNeeded is reported: not one byte may come before key_derived()
        greeted,    // Ready is to be reported
        ready,      //
        xclient,    // XCLIENT is out
        envelope,   // MAIL, RCPT, DATA
        content,    // 354 was read
        final_dot,  //
        lone_dot,   // 354 though nobody was accepted
        resetting,  // RSET is out
        settled,    // TransactionDone is to be reported
        quitting,   // QUIT is out
        over,
    };
    // What a reply answers.
    enum class Command : std::uint8_t {
        greeting,
        ehlo,  // or LHLO
        helo,
        starttls,
        auth,
        xclient,
        mail,
        rcpt,
        data,
        chunk,  // BDAT, not the last
        dot,    // or BDAT LAST
        rset,
    };
    struct Awaited {
        Command command;
        std::size_t recipient = 0;  // of rcpt, and of LMTP's dot
    };
    struct Open {
        Transaction transaction;
        Tally tally;
        bool mail_written = false;
        bool is_chunked = false;         // BDAT rather than DATA
        std::size_t next_recipient = 0;  // no RCPT was written for those from here on
        bool at_server = false;          // the server took a command of it
        bool usable = true;              // as TransactionDone tells it
    };
    using MaybeEvent = std::optional<Event>;

    void enter(State state) { state_ = state; }
    void write(std::string_view line, Awaited reply);
    [[nodiscard]] bool is_lmtp() const { return settings_.flavour == Flavour::lmtp; }
    [[nodiscard]] bool is_anything_asked() const { return expected_.size() > unsent_; }

    [[nodiscard]] MaybeEvent report_due(std::string_view input);
    [[nodiscard]] MaybeEvent on_reply(const Reply& reply, std::string_view rest);
    [[nodiscard]] MaybeEvent on_unasked(const Reply& reply);
    [[nodiscard]] MaybeEvent dispatch(Awaited awaited, const Reply& reply, std::string_view rest);

    void say_hello();
    [[nodiscard]] MaybeEvent on_greeting(const Reply& reply);
    [[nodiscard]] MaybeEvent on_hello(Command command, const Reply& reply);
    [[nodiscard]] bool wants_tls() const { return settings_.use_starttls && !settings_.encrypted; }
    [[nodiscard]] Event on_starttls(const Reply& reply, std::string_view rest);
    [[nodiscard]] MaybeEvent greet_on();
    [[nodiscard]] MaybeEvent authenticate();
    [[nodiscard]] MaybeEvent on_auth(const Reply& reply);
    void on_xclient(const Reply& reply);
    void refuse_client(const Reply& reply);

    void open_envelope();
    void refuse_unsendable();
    [[nodiscard]] MaybeEvent send_next_group();
    [[nodiscard]] MaybeEvent on_envelope(Awaited awaited, const Reply& reply);
    [[nodiscard]] MaybeEvent on_data(Awaited awaited, const Reply& reply);
    void on_chunk(Awaited awaited, const Reply& reply);
    [[nodiscard]] Event begin_content();
    void on_dot(Awaited awaited, const Reply& reply);
    void finish_undelivered();
    void settle(bool usable);
    void drop_output();
    [[nodiscard]] Phase envelope_phase() const;

    void record(Awaited awaited, const Reply& reply);
    [[nodiscard]] Event fail(Error error, std::optional<Reply> reply = std::nullopt);
    [[nodiscard]] Event fail_shutdown(const Reply& reply);
    [[nodiscard]] Event fail_refused(std::string_view what, const Reply& reply);

    Settings settings_;       // `encrypted` becomes true with TLS
    std::string hello_name_;  // ours, or that of the client that XCLIENT told of
    State state_ = State::greeting;
    Capabilities capabilities_;
    ReplyReader reader_;
    bool unasked_ = false;  // the reply in the reader began when nothing was asked
    std::deque<Awaited> expected_{{Command::greeting}};
    std::size_t unsent_ = 0;  // how many at the end of expected_ are for commands still in output_
    std::string output_;
    std::optional<Authentication> authentication_;  // in auth and deriving
    std::optional<OriginalClient> announced_;       // by the last XCLIENT
    std::optional<Open> open_;
    DotStuffer stuffer_;
};

}  // namespace postrider::smtp
