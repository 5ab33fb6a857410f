#include "postrider/net/command_connector.h"

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

#include "postrider/base/assert.h"
#include "postrider/base/process.h"
#include "postrider/base/text.h"

#include "net/command_stream.h"

namespace postrider::net {

namespace {

/// What the connections of one connector share. It outlives them.
struct Parts {
    event::Loop& loop;
    event::Worker& worker;
    CommandTransport transport;
    std::shared_ptr<TlsTrusts> trusts;  ///< owners: the connector and its streams
};

std::string_view path_in(const std::vector<std::string>& environment) {
    constexpr std::string_view kName = "PATH=";
    for (const std::string_view variable : environment) {
        if (variable.starts_with(kName)) {
            return variable.substr(kName.size());
        }
    }
    return kUsualPath;
}

/// Runs on a worker.
Expected<Tunnel> start(const CommandTransport& transport) {
    const auto program = find_program(transport.argv.front(), path_in(transport.environment));
    if (!program) {
        return failure(Errc::config, Retry::later, "there is no such program, or it cannot be run");
    }
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return failure(network_error(errno));
    }
    Socket ours(ends[0]);
    const Socket its(ends[1]);
    auto errors = Pipe::make();
    if (!errors) {
        return failure(std::move(errors.error()));
    }
    SpawnRequest request{*program, transport.argv, transport.environment, "/",
                         its.fd(), its.fd(),       errors->writing.get()};
    auto child = ChildProcess::start(request);
    if (!child) {
        return failure(std::move(child.error()));
    }
    for (const int fd : {ours.fd(), errors->reading.get()}) {
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return Tunnel{*program, std::move(ours), std::move(errors->reading), std::move(*child)};
}

/// One program being started, and TLS through it if asked for.
class CommandConnecting final : public event::Operation {
  public:
    CommandConnecting(Parts& parts, ConnectRequest request, ConnectDone done)
        : parts_(parts),
          request_(std::move(request)),
          done_(std::move(done)),
          started_(std::make_shared<std::optional<Expected<Tunnel>>>()),
          job_(parts.worker.run(
              [started = started_, transport = parts.transport] { *started = start(transport); },
              [this] { on_started(); })),
          deadline_(parts.loop.make_timer([this] { on_deadline(); })) {
        deadline_->arm(request_.deadline);
    }

  private:
    void on_started() {
        Expected<Tunnel> tunnel = std::move(**started_);
        started_->reset();
        if (!tunnel) {
            finish(failure(about_program(tunnel.error())));
            return;
        }
        stream_ = std::make_unique<CommandStream>(parts_.loop, std::move(*tunnel), parts_.transport,
                                                  parts_.trusts);
        if (!request_.tls) {
            finish(std::move(stream_));
            return;
        }
        TlsSettings settings = *request_.tls;
        if (settings.server_name.empty()) {
            settings.server_name = request_.endpoint.host;
        }
        stream_->begin_tls(settings, [this](const Expected<void>& secured) {
            if (secured) {
                finish(std::move(stream_));
            } else {
                finish(failure(secured.error().in(escaped(request_.endpoint.to_text()))));
            }
        });
    }

    void on_deadline() {
        const Error late{Errc::timed_out, Retry::later,
                         "no connection within " + postrider::to_text(request_.deadline) +
                             (stream_ != nullptr ? ", in the TLS handshake" : ", being started")};
        finish(failure(about_program(late)));
    }

    [[nodiscard]] Error about_program(const Error& error) const {
        return error.in(escaped(parts_.transport.argv.front()));
    }

    void finish(Expected<std::unique_ptr<ByteStream>> outcome) {
        deadline_->disarm();
        job_.reset();
        const ConnectDone done = std::exchange(done_, nullptr);
        done(std::move(outcome));
    }

    Parts& parts_;
    ConnectRequest request_;
    ConnectDone done_;
    std::shared_ptr<std::optional<Expected<Tunnel>>> started_;  ///< shared with the job
    std::unique_ptr<event::Operation> job_;
    std::unique_ptr<CommandStream> stream_;
    std::unique_ptr<event::Timer> deadline_;
};

class CommandConnector final : public Connector {
  public:
    explicit CommandConnector(Parts parts) : parts_(std::move(parts)) {
        POSTRIDER_ASSERT(!parts_.transport.argv.empty());
    }

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const ConnectRequest& request,
                                                            ConnectDone done) override {
        return std::make_unique<CommandConnecting>(parts_, request, std::move(done));
    }

  private:
    Parts parts_;
};

}  // namespace

std::unique_ptr<Connector> make_command_connector(event::Loop& loop, event::Worker& worker,
                                                  CommandTransport transport) {
    return std::make_unique<CommandConnector>(
        Parts{loop, worker, std::move(transport), std::make_shared<TlsTrusts>()});
}

}  // namespace postrider::net
