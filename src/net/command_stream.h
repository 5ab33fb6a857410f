#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "postrider/base/process.h"
#include "postrider/event/loop.h"
#include "postrider/net/command_connector.h"
#include "postrider/net/stream.h"

#include "net/socket_stream.h"

namespace postrider::net {

/// A program that was started to be a connection.
struct Tunnel {
    std::string program;                  ///< its path
    Socket socket;                        ///< the other end is its standard input and output
    FileHandle errors;                    ///< its standard error
    std::unique_ptr<ChildProcess> child;  ///< goes first: what it left open cannot keep it
};

/// The ByteStream through a program. When the connection ends it waits a moment for the program's
/// own end, so that the owner hears what was the matter.
class CommandStream final : public ByteStream, private StreamEvents {
  public:
    CommandStream(event::Loop& loop, Tunnel tunnel, const CommandTransport& transport,
                  std::shared_ptr<TlsTrusts> trusts);
    CommandStream(const CommandStream&) = delete;
    CommandStream& operator=(const CommandStream&) = delete;
    ~CommandStream() override;

    void attach(StreamEvents* events) override;
    [[nodiscard]] std::string_view input() const override { return stream_->input(); }
    void consume(std::size_t count) override { stream_->consume(count); }
    void write(std::string_view bytes) override { stream_->write(bytes); }
    [[nodiscard]] std::size_t output_pending() const override { return stream_->output_pending(); }
    void pause_reading() override { stream_->pause_reading(); }
    void resume_reading() override { stream_->resume_reading(); }
    void start_tls(const TlsSettings& settings, std::function<void(Expected<void>)> done) override;
    [[nodiscard]] bool is_encrypted() const override { return stream_->is_encrypted(); }
    [[nodiscard]] PeerInfo peer() const override { return stream_->peer(); }
    [[nodiscard]] ChannelBinding channel_binding(BindingKind kind) const override {
        return stream_->channel_binding(kind);
    }

    /// As SocketStream's.
    void begin_tls(const TlsSettings& settings, std::function<void(Expected<void>)> done);

    static constexpr Duration kGrace = std::chrono::seconds(1);
    static constexpr std::size_t kLineLimit = 512;  ///< octets of a line of standard error
    static constexpr int kMostLines = 20;           ///< of one connection that are passed on

  private:
    void on_input() override { events_->on_input(); }
    void on_output_low() override { events_->on_output_low(); }
    void on_closed(const Error& why) override;

    /// Runs `told` with `why` and how the program ended, when that is known or kGrace is over.
    void explain(const Error& why, std::function<void(const Error&)> told);
    void tell_end();
    void listen();
    void hear(std::string_view octets);
    void end_line();

    const CommandTransport& transport_;
    FileHandle errors_;
    std::unique_ptr<SocketStream> stream_;
    std::unique_ptr<ChildProcess> child_;
    StreamEvents* events_ = nullptr;
    std::string line_;  ///< of standard error, not yet ended
    std::string last_line_;
    int lines_ = 0;
    Error why_;
    std::optional<int> wait_status_;
    std::function<void(const Error&)> told_;
    std::unique_ptr<event::FdWatch> error_watch_;
    std::unique_ptr<event::FdWatch> end_watch_;
    std::unique_ptr<event::Timer> grace_;
};

}  // namespace postrider::net
