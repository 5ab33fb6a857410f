#include "app/control/control_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "app/control/control_socket.h"

namespace postrider::app {

namespace {

/// Answers that wait to be sent; more is made when there is room.
constexpr std::size_t kOutputMark = 64UL * 1024;

}  // namespace

class ControlServer::Peer {
  public:
    Peer(ControlServer& server, ControlPeer who, FileHandle connection)
        : server_(server),
          connection_(std::move(connection)),
          talk_(server.ground_, who, [this] { flush_soon(); }),
          watch_(server.ground_.loop.watch_fd(connection_.get(), event::Interest::read,
                                              [this](event::Readiness ready) { on_ready(ready); })),
          patience_(server.ground_.loop.make_timer([this] { end(); })),
          flush_(server.ground_.loop.make_timer([this] { serve(); })) {
        patience_->arm(kControlPatience);
    }

  private:
    void on_ready(event::Readiness ready) {
        if (ready.readable && !receive()) {
            end();
            return;
        }
        serve();
    }

    /// False: it has hung up, or does not keep to the limits.
    bool receive() {
        std::array<char, kMaxControlRequest> buffer{};
        const ssize_t got = ::recv(connection_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0 && input_.size() <= kMaxControlRequest;
    }

    /// Answers as far as there are whole requests, and sends as far as the other side takes it.
    void serve() {
        while (true) {
            talk_.fill(output_, kOutputMark);
            if (!send()) {
                end();
                return;
            }
            const std::size_t line_end = input_.find('\n');
            if (!output_.empty() || talk_.is_busy() || line_end == std::string::npos) {
                break;
            }
            const std::string line = input_.substr(0, line_end);
            input_.erase(0, line_end + 1);
            talk_.take(line);
        }
        watch_->set_interest(output_.empty() ? event::Interest::read : event::Interest::read_write);
        if (output_.empty() && talk_.is_busy()) {
            patience_->disarm();  // it waits for us
        } else if (!patience_->is_armed()) {
            patience_->arm(kControlPatience);
        }
    }

    /// False: it is gone.
    bool send() {
        while (!output_.empty()) {
            const ssize_t sent = ::send(connection_.get(), output_.data(), output_.size(),
                                        MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0) {
                return errno == EAGAIN || errno == EINTR;
            }
            output_.erase(0, static_cast<std::size_t>(sent));
            patience_->arm(kControlPatience);
            talk_.fill(output_, kOutputMark);
        }
        return true;
    }

    /// Not at once: a trace speaks from inside a session.
    void flush_soon() {
        if (!is_over_) {
            flush_->arm(Duration::zero());
        }
    }

    /// It is destroyed later: this may be its own callback.
    void end() {
        is_over_ = true;
        watch_.reset();
        patience_->disarm();
        flush_->disarm();
        server_.drop(*this);
    }

    ControlServer& server_;
    FileHandle connection_;
    ControlTalk talk_;
    std::string input_;
    std::string output_;
    bool is_over_ = false;
    std::unique_ptr<event::FdWatch> watch_;
    std::unique_ptr<event::Timer> patience_;
    std::unique_ptr<event::Timer> flush_;
};

ControlServer::ControlServer(ControlTalk::Ground& ground, Log& log, config::Control control,
                             FileHandle listening)
    : ground_(ground),
      log_(log),
      control_(std::move(control)),
      listening_(std::move(listening)),
      watch_(ground.loop.watch_fd(listening_.get(), event::Interest::read,
                                  [this](event::Readiness /*ready*/) { accept(); })) {}

ControlServer::~ControlServer() {
    remove_socket(control_.socket);
}

void ControlServer::accept() {
    FileHandle connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.is_open()) {
        return;
    }
    const Expected<ControlPeer> allowed =
        peers_.size() < kMaxControlPeers
            ? check_peer(connection.get(), control_.group)
            : failure(Errc::busy, Retry::later, "too many talk to this daemon at once");
    if (!allowed) {
        log_.warn("control-refused", {{"why", allowed.error().text}});
        const std::string line =
            nlohmann::json{{"error", allowed.error().text},
                           {"kind", allowed.error().code == Errc::busy ? "busy" : "refused"}}
                .dump() +
            "\n";
        ::send(connection.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return;
    }
    peers_.push_back(std::make_unique<Peer>(*this, *allowed, std::move(connection)));
}

void ControlServer::drop(const Peer& peer) {
    const auto gone = std::find_if(peers_.begin(), peers_.end(),
                                   [&peer](const auto& one) { return one.get() == &peer; });
    ground_.loop.defer_delete(std::move(*gone));
    peers_.erase(gone);
}

}  // namespace postrider::app
