#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/net/stream.h"
#include "postrider/protocol/pop3/dialogue.h"
#include "postrider/source/pop3_source.h"
#include "postrider/source/source.h"

namespace postrider::source {

/// One POP3 session: carries bytes between a stream and the pure dialogue, builds messages out of
/// what it reports, and keeps the deadlines. What the bytes mean is the dialogue's business, what
/// to do about a message the engine's.
class Pop3Session : public MailSource, private net::StreamEvents {
  public:
    /// The factory, and with it `settings`, outlives its sessions.
    Pop3Session(event::Loop& loop, event::Worker& worker, net::Connector& connector,
                const Pop3Settings& settings, SourceEvents& events, const Quirks& quirks);

    void start() override;
    void fetch(std::uint32_t number) override;
    void head(std::uint32_t number) override;
    void remove(std::uint32_t number) override;
    void settle() override;
    [[nodiscard]] Quirks quirks() const override { return quirks_; }
    [[nodiscard]] std::optional<Duration> min_login_interval() const override;

  private:
    [[nodiscard]] std::unique_ptr<pop3::Dialogue> make_dialogue() const;
    void fetch_token();
    void derive_key(const sasl::KeyRequest& request);
    void bind_channel();
    [[nodiscard]] Expected<void> check_protection() const;
    void note_connected() const;
    void connect();
    void on_connected(Expected<std::unique_ptr<net::ByteStream>> stream);
    void on_input() override;
    void on_output_low() override {}  // commands are short: the window bounds them
    void on_closed(const Error& why) override;

    /// Handles one event; false when the session is over and nothing of it may be touched any more.
    [[nodiscard]] bool handle(const pop3::Event& event);
    [[nodiscard]] bool on_listing(const pop3::ListingDone& done);
    [[nodiscard]] bool on_part(const pop3::MessagePart& part);
    [[nodiscard]] bool on_done(std::uint32_t number);
    void give_up_oversize(std::uint32_t number);
    void reconnect_without_capa();
    void upgrade_to_tls();

    [[nodiscard]] Error told_of_wait(const Error& why) const;
    void note(std::string_view text) const;
    void send_output();
    void watch_progress();
    void on_overdue();
    void check_rate();
    void close();
    void end(const Error& error);

    event::Worker& worker_;
    net::Connector& connector_;
    const Pop3Settings& settings_;
    SourceEvents& events_;
    Quirks quirks_;
    bool is_without_capa_;  ///< the server had hung up when it was asked
    Secret token_;
    std::unique_ptr<pop3::Dialogue> dialogue_;

    std::unique_ptr<event::Timer> progress_deadline_;
    std::unique_ptr<event::Timer> session_deadline_;
    std::unique_ptr<event::Timer> keep_alive_;
    std::unique_ptr<event::Timer> rate_check_;
    std::uint64_t octets_in_window_ = 0;  ///< of the message, since rate_check_ was armed
    std::uint64_t octets_of_message_ = 0;
    bool has_received_ = false;                  ///< some message, whole
    std::string head_;                           ///< being received, cut to kMaxHead
    std::unique_ptr<event::Operation> working_;  ///< fetches the token or derives a key
    std::unique_ptr<event::Operation> connecting_;
    std::unique_ptr<net::ByteStream> stream_;
    std::optional<mail::MessageBuilder> receiving_;
    std::unordered_map<std::uint32_t, std::uint64_t> listed_sizes_;
    bool is_over_ = false;
};

}  // namespace postrider::source
