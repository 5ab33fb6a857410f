#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/net/tls.h"

namespace postrider::net {

/// Who the other end turned out to be: for log lines and the Received header.
struct PeerInfo {
    /// "192.0.2.1", "2001:db8::1", or the path of a Unix socket, or of a program in its place
    std::string address;
    std::string tls;          ///< "TLSv1.3 TLS_AES_256_GCM_SHA384", empty without TLS
    bool is_proxied = false;  ///< `address` is that of the proxy: where it went then is not known
};

/// A loopback address, a Unix socket or a program, and no proxy: we send nothing beyond this
/// machine.
[[nodiscard]] bool is_on_this_machine(const PeerInfo& peer);

/// How a login can be bound to the TLS connection it runs in (RFC 5056): by the exporter of RFC
/// 9266, the Finished message or the server's certificate (RFC 5929). Automatic: the exporter under
/// TLS 1.3; else the Finished message, if the handshake is proof against being joined to another
/// (RFC 7627); else the certificate.
enum class BindingKind : std::uint8_t { automatic, exporter, unique, server_end_point };

struct ChannelBinding {
    std::string name;    ///< in the registry of IANA
    std::string octets;  ///< empty: this connection has none of that kind
};

/// What a stream tells its one owner. Every call comes from the loop, never from inside a call on
/// the stream. The owner may destroy the stream in any of them.
class StreamEvents {
  public:
    StreamEvents() = default;
    StreamEvents(const StreamEvents&) = delete;
    StreamEvents& operator=(const StreamEvents&) = delete;

    /// input() has grown. What is not consumed stays, and is offered again when more arrives or
    /// reading is resumed.
    virtual void on_input() = 0;

    /// output_pending() has fallen to kOutputLowMark or below, after having been above it.
    virtual void on_output_low() = 0;

    /// The end, told once, after all input that came before it was offered: Errc::closed for an
    /// orderly end, otherwise network or tls (a TLS end without close_notify says so, A-003).
    /// Input that was left unconsumed can still be read.
    virtual void on_closed(const Error& why) = 0;

  protected:
    ~StreamEvents() = default;
};

/// A connected two-way byte stream: TCP or Unix socket, plain or TLS; or a simulated one. Both
/// directions are bounded, reading can be paused by more than one party at once (pauses are
/// counted), and destroying the stream closes the socket at once without any further event.
class ByteStream {
  public:
    static constexpr std::size_t kInputLimit =
        64UL * 1024;  ///< unconsumed input; then reading stops
    static constexpr std::size_t kOutputHighMark = 256UL * 1024;  ///< writers should stop above it
    static constexpr std::size_t kOutputLowMark = kOutputHighMark / 2;

    ByteStream() = default;
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;
    virtual ~ByteStream() = default;

    /// From now on `events` is told; it must outlive the stream or be detached with nullptr.
    virtual void attach(StreamEvents* events) = 0;

    /// Received bytes not yet consumed. The view is valid until the next call on the stream or the
    /// return to the loop.
    [[nodiscard]] virtual std::string_view input() const = 0;
    virtual void consume(std::size_t count) = 0;

    /// Queues bytes and begins to send them. Never blocks, never refuses: the owner keeps to
    /// kOutputHighMark by looking at output_pending().
    virtual void write(std::string_view bytes) = 0;
    [[nodiscard]] virtual std::size_t output_pending() const = 0;

    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;

    /// Turns a plain stream into TLS. Refused with Errc::protocol if plain input is pending, here
    /// or in the socket: bytes behind the go-ahead are an attack (P-008). After a failure the
    /// stream is of no further use. `done` never runs after the stream is gone.
    virtual void start_tls(const TlsSettings& settings,
                           std::function<void(Expected<void>)> done) = 0;

    [[nodiscard]] virtual bool is_encrypted() const = 0;
    [[nodiscard]] virtual PeerInfo peer() const = 0;
    [[nodiscard]] virtual ChannelBinding channel_binding(BindingKind /*kind*/) const { return {}; }
};

}  // namespace postrider::net
