#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "postrider/event/loop.h"
#include "postrider/net/stream.h"

#include "net/byte_queue.h"
#include "net/socket.h"
#include "net/tls_channel.h"

namespace postrider::net {

/// The ByteStream over a connected socket, TCP or Unix, plain or (from start_tls on) TLS.
///
/// Each time the loop calls it, it first moves what bytes it can, and then, as the last thing,
/// tells its owner one event; what else there is to tell follows on the next turn. So the owner
/// may destroy it in any event.
class SocketStream final : public ByteStream {
  public:
    /// `trusts` is owned by the connector and its streams: a stream may outlive the connector.
    SocketStream(event::Loop& loop, Socket socket, std::string address,
                 std::shared_ptr<TlsTrusts> trusts);
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;
    ~SocketStream() override;

    void attach(StreamEvents* events) override;
    [[nodiscard]] std::string_view input() const override { return input_.view(); }
    void consume(std::size_t count) override;
    void write(std::string_view bytes) override;
    [[nodiscard]] std::size_t output_pending() const override { return output_.size(); }
    void pause_reading() override;
    void resume_reading() override;
    void start_tls(const TlsSettings& settings, std::function<void(Expected<void>)> done) override;
    [[nodiscard]] bool is_encrypted() const override;
    [[nodiscard]] PeerInfo peer() const override;
    [[nodiscard]] ChannelBinding channel_binding(BindingKind kind) const override {
        return is_encrypted() ? tls_->channel_binding(kind) : ChannelBinding();
    }

    /// As start_tls(), for a connection that is to begin with TLS: a server that speaks plain text
    /// first then fails the handshake, which explains itself better.
    void begin_tls(const TlsSettings& settings, std::function<void(Expected<void>)> done);

    /// The address is that of a proxy.
    void set_proxied() { is_proxied_ = true; }

    [[nodiscard]] bool is_resumed() const { return tls_ != nullptr && tls_->is_resumed(); }

  private:
    /// open -> (start_tls) handshaking -> open; both -> ended, when no more bytes will move and
    /// the owner has been told or is about to be told why.
    enum class State : std::uint8_t { open, handshaking, ended };

    void on_ready(event::Readiness ready);
    void on_turn();
    void shake_hands();
    void finish_handshake(Expected<void> outcome);

    void fill();
    void flush();
    [[nodiscard]] IoResult send(std::string_view bytes);
    void note_write_failure();
    void end(Error why);

    [[nodiscard]] bool may_read() const;
    void update_interest();
    void tell();
    void turn_soon();

    Socket socket_;
    std::unique_ptr<TlsChannel> tls_;  ///< destroyed before the socket: says goodbye over it
    std::string address_;
    bool is_proxied_ = false;
    std::shared_ptr<TlsTrusts> trusts_;
    ByteQueue input_;
    ByteQueue output_;
    StreamEvents* events_ = nullptr;
    State state_ = State::open;
    int pauses_ = 0;

    bool offer_input_ = false;
    bool output_was_high_ = false;
    bool tell_output_low_ = false;
    bool read_wants_write_ = false;       ///< TLS has to send before it can read on
    bool handshake_wants_write_ = false;  ///< otherwise it waits for the peer
    std::optional<Error> write_failure_;  ///< the peer takes nothing more; reading goes on
    std::optional<Error> untold_end_;
    std::optional<Expected<void>> handshake_outcome_;
    std::function<void(Expected<void>)> handshake_done_;

    std::unique_ptr<event::Timer> turn_;
    std::unique_ptr<event::FdWatch> watch_;
};

}  // namespace postrider::net
