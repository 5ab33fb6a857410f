#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "postrider/protocol/pop3/dialogue.h"

#include "protocol/pop3/capa.h"
#include "protocol/pop3/line_reader.h"
#include "protocol/pop3/listing.h"
#include "protocol/pop3/login.h"
#include "protocol/pop3/multiline_reader.h"
#include "protocol/pop3/quoter.h"
#include "protocol/pop3/reply.h"
#include "protocol/pop3/window.h"

namespace postrider::pop3 {

/// The machine behind Dialogue: which reply is due, what it means, what is sent next. How bytes
/// become lines, lines become values and commands share the window is in the parts it is built of.
class Dialogue::Machine {
  public:
    explicit Machine(Settings settings);

    [[nodiscard]] Event next(std::string_view& input);
    [[nodiscard]] std::string take_output();
    void allow_cleartext() { may_log_in_ = true; }
    void bind_channel(sasl::ChannelBinding binding) { binding_ = std::move(binding); }
    void tls_started();
    void key_derived(const Secret& key);
    void push(Command command);
    void retr(std::uint32_t number);
    void quit();

    [[nodiscard]] Phase phase() const;
    [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }
    [[nodiscard]] bool waits_for_capa() const;
    [[nodiscard]] bool is_pipelining() const { return window_.in_flight() > 1; }
    [[nodiscard]] std::string awaited() const;
    [[nodiscard]] std::size_t outstanding() const;

  private:
    //  greeting --use_stls--> capa_before_tls -> stls -> tls --tls_started()--+
    //     |                                                                   v
    //     +----------------------------> capa_before_login -> [lang] -> [utf8] -> login <->
    //     deriving
    //                                                                               |
    //  quit_done <- quitting <- draining <--quit()-- transaction <- capa_after_login
    //
    //  From everywhere: -> failed.
    enum class State : std::uint8_t {
        greeting,           ///< waits for the greeting
        capa_before_tls,    ///< CAPA in the clear, for STLS alone
        stls,               ///< STLS is sent
        tls,                ///< StartTls is reported: not one byte may come before tls_started()
        capa_before_login,  ///< CAPA, for the way to log in
        lang,               ///< LANG is sent
        utf8,               ///< UTF8 is sent
        login,              ///< login_ speaks
        deriving,           ///< KeyNeeded is reported: not one byte may come before key_derived()
        capa_after_login,   ///< CAPA, for PIPELINING and what else holds for this user
        transaction,        ///< commands
        draining,           ///< quit() was called: QUIT follows the last reply
        quitting,           ///< QUIT is to be sent, or sent
        quit_done,
        failed,
    };

    /// What the next bytes belong to.
    enum class Reading : std::uint8_t { status_line, capa_lines, uid_lines, size_lines, message };

    // Each of these returns what is to be reported, or nothing: go on reading.
    using Report = std::optional<Event>;
    [[nodiscard]] Report read_line(std::string_view& input);
    [[nodiscard]] Report read_message(std::string_view& input);
    [[nodiscard]] Report on_line(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_status_line(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_greeting(std::string_view line);
    [[nodiscard]] Report on_capa_status(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_capa_line(std::string_view line);
    [[nodiscard]] Report on_capa_end(std::string_view rest);
    [[nodiscard]] Report on_stls_reply(std::string_view line, std::string_view rest);
    [[nodiscard]] Report after_capa();
    [[nodiscard]] Report ask_utf8();
    [[nodiscard]] Report on_utf8_reply(std::string_view line);
    [[nodiscard]] Report begin_login();
    [[nodiscard]] Report on_login_reply(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_logged_in(std::string_view rest);
    void begin_pipelining();
    [[nodiscard]] Report on_command_reply(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_accepted(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_refused(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_uidl_refused(const Error& error);
    [[nodiscard]] Report on_list_refused(const Error& error);
    [[nodiscard]] Report on_stat(std::string_view line, std::string_view rest);
    [[nodiscard]] Report on_listing_line(std::string_view line);
    [[nodiscard]] Report on_listing_end(std::string_view rest);
    [[nodiscard]] Report on_quit_reply(std::string_view line, std::string_view rest);

    [[nodiscard]] Event believe(Event event, std::string_view rest);
    [[nodiscard]] Event fail(Error error);
    [[nodiscard]] Expected<void> check_line_end(bool bare_lf);
    [[nodiscard]] Event fail_no_reply(std::string_view asked, std::string_view line);
    [[nodiscard]] Event fail_unsolicited(std::string_view bytes);

    /// For the transcript, if somebody listens.
    void tell_sent(std::string_view lines) const;
    void tell_received(std::string_view line) const;
    void tell_message(bool is_head);
    [[nodiscard]] bool is_heard() const;

    void enter(State state) { state_ = state; }
    void send(std::string_view command);
    [[nodiscard]] bool is_reply_due() const;
    [[nodiscard]] std::size_t line_limit() const;

    Settings settings_;
    State state_ = State::greeting;
    Reading reading_ = Reading::status_line;
    Capabilities capabilities_;
    CapaReader capa_;
    ListingReader listing_;
    bool has_uids_ = true;           ///< the server knows UIDL, as far as it is known
    std::optional<Error> unlisted_;  ///< why UIDL or LIST was refused, while that may mean: empty
    /// Every line so far ended in a bare LF; nothing before the greeting (P-004).
    std::optional<bool> bare_lf_;
    LineReader lines_;
    MultilineReader body_;
    std::uint64_t body_octets_ = 0;  ///< of the message being read
    bool may_log_in_;                ///< the stream is protected, or need not be
    std::string greeting_;           ///< empty under STLS: forgotten with all that came before TLS
    sasl::ChannelBinding binding_;
    std::optional<Login> login_;  ///< in login and deriving
    Window window_;
    Quoter quoter_;
    std::string output_;
};

}  // namespace postrider::pop3
