#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/mail/envelope.h"
#include "postrider/mail/outgoing.h"
#include "postrider/net/connector.h"
#include "postrider/protocol/smtp/dialogue.h"
#include "postrider/sink/sink.h"
#include "postrider/sink/smtp_sink.h"

#include "sink/smtp_content.h"

namespace postrider::sink {

/// What connections are made with; all of it outlives them.
struct SmtpTools {
    event::Loop& loop;
    event::Worker& worker;  ///< for the keys of SCRAM
    net::Connector& connector;
};

/// One connection to an SMTP or LMTP server, carrying one transaction after the other. It reports
/// what the protocol said, in DeliveryReport terms; who gets the next message is its owner's
/// decision.
///
///   connecting -> greeting -> ready <-> busy
///        \___________\__________\_______\__> down
class SmtpConnection final : private net::StreamEvents {
  public:
    /// Told from the loop only. In on_down the owner drops the connection by Loop::defer_delete.
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;

        virtual void on_ready(SmtpConnection& connection) = 0;
        /// The end of what deliver() started. on_ready or on_down follows.
        virtual void on_report(SmtpConnection& connection, DeliveryReport report) = 0;
        virtual void on_down(SmtpConnection& connection, const Error& why) = 0;

      protected:
        ~Owner() = default;
    };

    /// To settings.hosts[host].
    SmtpConnection(const SmtpTools& tools, const SmtpSettings& settings, std::size_t host,
                   Owner& owner);

    [[nodiscard]] std::size_t host() const { return host_; }

    [[nodiscard]] bool is_ready() const { return state_ == State::ready; }
    [[nodiscard]] bool is_busy() const { return state_ == State::busy; }
    /// A greeting was exchanged: the server is there.
    [[nodiscard]] bool was_ready() const { return was_ready_; }
    /// It has waited for work or done some: a silent end may just be the server's idle time-out.
    [[nodiscard]] bool may_be_stale() const { return may_be_stale_; }

    /// Only when ready. The final dot waits for commit().
    void deliver(const mail::Envelope& envelope,
                 std::shared_ptr<const mail::OutgoingMessage> message);
    void commit();

    /// Says QUIT if that is possible now; the owner then destroys the connection.
    void say_goodbye();

    /// Closes at once and tells nobody; what was not complete is not accepted by the server.
    void cut();

  private:
    enum class State : std::uint8_t { connecting, greeting, ready, busy, down };

    void on_connected(Expected<std::unique_ptr<net::ByteStream>> stream);
    void on_input() override;
    void on_output_low() override;
    void on_closed(const Error& why) override;

    /// Handles one event; false when the connection is down and nothing of it may be touched.
    [[nodiscard]] bool handle(const smtp::Event& event);
    [[nodiscard]] bool on_transaction_done(const smtp::TransactionDone& done);
    void on_failed(const smtp::Failed& failed);
    void upgrade_to_tls();
    void derive_key(const sasl::KeyRequest& request);
    [[nodiscard]] Expected<smtp::Transaction> transaction_of(const mail::Envelope& envelope) const;
    /// Sends as much of the content as the stream takes; false as handle().
    [[nodiscard]] bool send_content();
    void finish_content();
    [[nodiscard]] bool is_heard() const;
    void tell_commands(std::string_view output);
    void tell_replies(std::string_view input);
    void complete_content();

    /// Tells every event there is, sending what each brings about.
    void read_on();
    void send_output();
    void watch_progress();
    void on_overdue();
    void go_down(const Error& why, const std::vector<smtp::RecipientResult>& results,
                 const std::optional<smtp::Reply>& reply);

    SmtpTools tools_;
    const SmtpSettings& settings_;
    std::size_t host_;
    Owner& owner_;
    smtp::Dialogue dialogue_;
    State state_ = State::connecting;
    bool was_ready_ = false;
    bool is_sending_ = false;  ///< between 354 and the end of the content
    bool is_committed_ = false;
    bool is_withheld_ = false;  ///< all but the final dot is on its way
    bool may_be_stale_ = false;
    bool has_asked_all_ = false;  ///< of this transaction: what follows is content
    std::string heard_;           ///< of the reply line that is coming in, for a listener
    std::size_t recipients_ = 0;

    std::unique_ptr<event::Timer> deadline_;
    std::unique_ptr<event::Timer> read_on_soon_;
    std::unique_ptr<event::Operation> connecting_;
    std::unique_ptr<event::Operation> working_;  ///< derives a key
    std::unique_ptr<net::ByteStream> stream_;
    // The transaction under way. Owners of the message: its transfer and this connection.
    std::optional<SmtpContent> content_;
    std::optional<Error> unreadable_;  ///< it cannot be read here
};

}  // namespace postrider::sink
