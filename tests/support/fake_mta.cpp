#include "support/fake_mta.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "postrider/base/assert.h"

#include "support/fake_mta_session.h"

namespace postrider::test {

/// Carries bytes between one client and its session. Each turn of the loop tells the client at most
/// one thing, last.
class FakeMta::Stream final : public net::ByteStream {
  public:
    Stream(FakeMta& server, std::size_t number, bool is_encrypted)
        : session_(server, number),
          is_encrypted_(is_encrypted),
          turn_(server.loop_.make_timer([this] { on_turn(); })) {
        session_.greet();
        act();
    }

    void attach(net::StreamEvents* events) override {
        events_ = events;
        act();
    }
    [[nodiscard]] std::string_view input() const override { return input_; }
    void consume(std::size_t count) override {
        POSTRIDER_ASSERT(count <= input_.size());
        input_.erase(0, count);
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
    [[nodiscard]] net::PeerInfo peer() const override { return {"192.0.2.25", ""}; }

  private:
    void act() { turn_->arm(Duration::zero()); }

    void on_turn() {
        if (const auto asked = std::exchange(tls_asked_, nullptr)) {
            session_.tls_started();
            is_encrypted_ = true;
            act();
            asked({});
            return;
        }
        session_.on_bytes(inbox_);
        const std::string output = session_.take_output();
        input_ += output;
        has_news_ = has_news_ || !output.empty();
        if (events_ == nullptr || pauses_ > 0) {
            return;
        }
        if (std::exchange(has_news_, false)) {
            act();
            events_->on_input();
        } else if (session_.is_over() && !std::exchange(was_told_, true)) {
            events_->on_closed({Errc::closed, Retry::later, "the server closed the connection"});
        }
    }

    Session session_;
    bool is_encrypted_;
    net::StreamEvents* events_ = nullptr;
    int pauses_ = 0;
    std::string inbox_;
    std::string input_;
    bool has_news_ = false;
    bool was_told_ = false;
    std::function<void(Expected<void>)> tls_asked_;
    std::unique_ptr<event::Timer> turn_;
};

namespace {

class Connecting final : public event::Operation {
  public:
    Connecting(SimLoop& loop, std::function<void()> answer)
        : timer_(loop.make_timer(std::move(answer))) {
        timer_->arm(Duration::zero());
    }

  private:
    std::unique_ptr<event::Timer> timer_;
};

/// The value of the topmost X-Postrider-Id.
std::string id_of(const std::string& octets) {
    constexpr std::string_view kField = "X-Postrider-Id: ";
    const std::size_t begin = octets.find(kField);
    return begin == std::string::npos
               ? octets
               : octets.substr(begin + kField.size(), octets.find('\n', begin) - begin);
}

}  // namespace

std::unique_ptr<event::Operation> FakeMta::connect(const net::ConnectRequest& request,
                                                   net::ConnectDone done) {
    const std::size_t number = ++connections_;
    return std::make_unique<Connecting>(
        loop_, [this, number, is_encrypted = request.tls.has_value(), done = std::move(done)] {
            if (is_down) {
                done(failure(Errc::network, Retry::later, "connection refused"));
            } else {
                done(std::make_unique<Stream>(*this, number, is_encrypted));
            }
        });
}

std::size_t FakeMta::taken_from(std::string_view sender) const {
    return static_cast<std::size_t>(
        std::count_if(taken_.begin(), taken_.end(),
                      [sender](const Taken& taken) { return taken.sender == sender; }));
}

std::size_t FakeMta::taken_by(std::string_view recipient) const {
    return static_cast<std::size_t>(
        std::count_if(taken_.begin(), taken_.end(),
                      [recipient](const Taken& taken) { return taken.recipient == recipient; }));
}

std::size_t FakeMta::duplicates() const {
    std::set<std::pair<std::string, std::string>> known;
    return static_cast<std::size_t>(
        std::count_if(taken_.begin(), taken_.end(), [&known](const Taken& taken) {
            return !known.emplace(taken.recipient, id_of(taken.octets)).second;
        }));
}

}  // namespace postrider::test
