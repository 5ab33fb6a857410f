#include "support/fake_pop3.h"

#include <algorithm>
#include <utility>

#include "postrider/base/assert.h"

#include "support/fake_pop3_session.h"

namespace postrider::test {

/// Carries bytes between one client and its session, in pieces and with pauses if so wished. Each
/// turn of the loop tells the client at most one thing, last.
class FakePop3::Stream final : public net::ByteStream {
  public:
    Stream(FakePop3& server, bool is_encrypted)
        : server_(server),
          session_(server),
          is_encrypted_(is_encrypted),
          turn_(server.loop_.make_timer([this] { on_turn(); })),
          next_piece_(server.loop_.make_timer([this] { on_turn(); })) {
        send(session_.greet());
    }

    void attach(net::StreamEvents* events) override {
        events_ = events;
        act();
    }
    [[nodiscard]] std::string_view input() const override { return input_; }
    void consume(std::size_t count) override {
        POSTRIDER_ASSERT(count <= input_.size());
        input_.erase(0, count);
        act();
    }
    void write(std::string_view bytes) override {
        inbox_ += bytes;
        act();
    }
    [[nodiscard]] std::size_t output_pending() const override { return 0; }
    void pause_reading() override { ++pauses_; }
    void resume_reading() override {
        --pauses_;
        act();
    }
    void start_tls(const net::TlsSettings& /*settings*/,
                   std::function<void(Expected<void>)> done) override {
        tls_asked_ = std::move(done);
        act();
    }
    [[nodiscard]] bool is_encrypted() const override { return is_encrypted_; }
    [[nodiscard]] net::PeerInfo peer() const override { return {"192.0.2.1", ""}; }

  private:
    void act() { turn_->arm(Duration::zero()); }

    void send(const FakeOutput& output) {
        outbox_ += output.cut_after ? output.bytes.substr(0, *output.cut_after) : output.bytes;
        is_endless_ = output.is_endless;
        splits_.assign(output.splits.begin(), output.splits.end());
        if (output.late > Duration::zero()) {
            next_piece_->arm(output.late);
        }
        if (output.is_end) {
            end_ = Error{Errc::closed, Retry::later, "the server closed the connection"};
        } else if (output.is_reset || output.cut_after) {
            end_ = Error{Errc::network, Retry::later, "connection reset by peer"};
        }
        act();
    }

    void on_turn() {
        if (const auto asked = std::exchange(tls_asked_, nullptr)) {
            start_tls_now(asked);
            return;
        }
        take_lines();
        deliver_piece();
        if (events_ == nullptr || pauses_ > 0) {
            return;
        }
        if (std::exchange(has_news_, false)) {
            act();
            events_->on_input();
        } else if (end_ && outbox_.empty() && !is_endless_ && !was_told_) {
            was_told_ = true;
            events_->on_closed(*end_);
        }
    }

    /// Bytes behind the go-ahead are refused, as the real stream does (P-008).
    void start_tls_now(const std::function<void(Expected<void>)>& asked) {
        if (!input_.empty() || !outbox_.empty() || !session_.awaits_tls()) {
            asked(failure(Errc::protocol, Retry::later,
                          "the server sent bytes before the TLS handshake"));
            return;
        }
        session_.tls_started();
        is_encrypted_ = true;
        act();
        asked({});
    }

    void take_lines() {
        while (!end_) {
            const std::size_t end = inbox_.find("\r\n");
            if (end == std::string::npos) {
                return;
            }
            const std::string line = inbox_.substr(0, end);
            inbox_.erase(0, end + 2);
            send(session_.on_line(line, !inbox_.empty()));
        }
    }

    void deliver_piece() {
        if (is_endless_ && outbox_.size() < kInputLimit) {
            outbox_.append(kInputLimit, 'x');
        }
        if (pauses_ > 0 || outbox_.empty() || input_.size() >= kInputLimit ||
            next_piece_->is_armed()) {
            return;
        }
        const std::size_t room = kInputLimit - input_.size();
        std::size_t wished = server_.piece == 0 ? room : server_.piece;
        if (!splits_.empty()) {
            wished = splits_.front();
            splits_.pop_front();
        }
        const std::size_t count = std::min({room, wished, outbox_.size() - sent_});
        input_.append(outbox_, sent_, count);
        sent_ += count;
        // Erasing what was sent in large steps: a listing of many messages stays linear.
        if (sent_ == outbox_.size() || sent_ > kInputLimit) {
            outbox_.erase(0, std::exchange(sent_, 0));
        }
        has_news_ = true;
        if (server_.pause > Duration::zero()) {
            next_piece_->arm(server_.pause);
        }
    }

    FakePop3& server_;
    Session session_;
    bool is_encrypted_;
    net::StreamEvents* events_ = nullptr;
    int pauses_ = 0;
    std::string inbox_;
    std::string outbox_;
    std::size_t sent_ = 0;            ///< of outbox_
    std::deque<std::size_t> splits_;  ///< the next pieces
    std::string input_;
    bool is_endless_ = false;
    bool has_news_ = false;
    bool was_told_ = false;
    std::optional<Error> end_;
    std::function<void(Expected<void>)> tls_asked_;
    std::unique_ptr<event::Timer> turn_;
    std::unique_ptr<event::Timer> next_piece_;
};

class FakePop3::Connecting final : public event::Operation {
  public:
    Connecting(SimLoop& loop, std::function<void()> answer)
        : timer_(loop.make_timer(std::move(answer))) {
        timer_->arm(Duration::zero());
    }

  private:
    std::unique_ptr<event::Timer> timer_;
};

std::unique_ptr<event::Operation> FakePop3::connect(const net::ConnectRequest& request,
                                                    net::ConnectDone done) {
    ++connections_;
    return std::make_unique<Connecting>(
        loop_, [this, is_encrypted = request.tls.has_value(), done = std::move(done)] {
            done(std::make_unique<Stream>(*this, is_encrypted));
        });
}

}  // namespace postrider::test
