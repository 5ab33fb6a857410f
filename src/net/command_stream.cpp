#include "net/command_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "postrider/base/text.h"

namespace postrider::net {

CommandStream::CommandStream(event::Loop& loop, Tunnel tunnel, const CommandTransport& transport,
                             std::shared_ptr<TlsTrusts> trusts)
    : transport_(transport),
      errors_(std::move(tunnel.errors)),
      stream_(std::make_unique<SocketStream>(loop, std::move(tunnel.socket),
                                             std::move(tunnel.program), std::move(trusts))),
      child_(std::move(tunnel.child)),
      error_watch_(loop.watch_fd(errors_.get(), event::Interest::read,
                                 [this](event::Readiness) { listen(); })),
      end_watch_(loop.watch_fd(child_->handle(), event::Interest::none,
                               [this](event::Readiness) { tell_end(); })),
      grace_(loop.make_timer([this] { tell_end(); })) {}

CommandStream::~CommandStream() = default;

void CommandStream::attach(StreamEvents* events) {
    events_ = events;
    stream_->attach(events == nullptr ? nullptr : this);
}

void CommandStream::start_tls(const TlsSettings& settings,
                              std::function<void(Expected<void>)> done) {
    stream_->start_tls(settings, std::move(done));
}

void CommandStream::begin_tls(const TlsSettings& settings,
                              std::function<void(Expected<void>)> done) {
    stream_->begin_tls(settings, [this, done = std::move(done)](Expected<void> secured) {
        if (secured) {
            done({});
            return;
        }
        explain(secured.error(), [done](const Error& why) { done(failure(why)); });
    });
}

void CommandStream::on_closed(const Error& why) {
    explain(why, [this](const Error& explained) { events_->on_closed(explained); });
}

void CommandStream::explain(const Error& why, std::function<void(const Error&)> told) {
    why_ = why;
    told_ = std::move(told);
    grace_->arm(kGrace);
    end_watch_->set_interest(event::Interest::read);
}

void CommandStream::tell_end() {
    const std::optional<int> status = child_->take_end();
    end_watch_->set_interest(event::Interest::none);
    grace_->disarm();
    if (error_watch_ != nullptr) {
        listen();  // all that it wrote is there now
    }
    end_line();
    std::string end = "the program still runs";
    if (status) {
        end = end_in_words(*status);
        end = "the program " + (end.empty() ? "ended" : end);
    }
    Error explained = why_;
    explained.text = fmt::format("{} ({}: {}{}{})", why_.text, escaped(transport_.argv.front()),
                                 end, last_line_.empty() ? "" : "; it said: ", last_line_);
    const auto told = std::exchange(told_, nullptr);
    told(explained);
}

void CommandStream::listen() {
    constexpr int kMostReads = 16;  // a whole pipe
    std::array<char, 4096> chunk{};
    for (int reads = 0; reads < kMostReads; ++reads) {
        const ssize_t got = ::read(errors_.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            error_watch_.reset();
        }
        if (got <= 0) {
            return;
        }
        hear({chunk.data(), static_cast<std::size_t>(got)});
    }
}

void CommandStream::hear(std::string_view octets) {
    while (!octets.empty()) {
        const std::size_t end = octets.find('\n');
        const std::string_view part = octets.substr(0, end);
        line_.append(part.substr(0, kLineLimit - line_.size()));
        octets.remove_prefix(end == std::string_view::npos ? octets.size() : end + 1);
        if (end != std::string_view::npos) {
            end_line();
        }
    }
}

void CommandStream::end_line() {
    const std::string line(trimmed(std::exchange(line_, std::string())));
    if (line.empty()) {
        return;
    }
    last_line_ = escaped(line);
    if (transport_.said && lines_ < kMostLines) {
        ++lines_;
        transport_.said(line);
    }
}

}  // namespace postrider::net
