#include "support/scripted_peer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

namespace postrider::test {
namespace {

/// "verb rest" into its two halves.
std::pair<std::string_view, std::string_view> split_step(std::string_view step) {
    const std::size_t space = step.find(' ');
    if (space == std::string_view::npos) {
        return {step, {}};
    }
    return {step.substr(0, space), step.substr(space + 1)};
}

Error connect_error(std::string_view rest) {
    const auto [kind, text] = split_step(rest);
    if (kind == "dns") {
        return {Errc::dns, Retry::later, std::string(text)};
    }
    if (kind == "tls") {
        return {Errc::tls, Retry::never, std::string(text)};
    }
    EXPECT_EQ(kind, "network") << "connect-fails network|dns|tls TEXT";
    return {Errc::network, Retry::later, std::string(text)};
}

}  // namespace

/// The stream of one conversation. It acts on its own turns of the loop only, and each turn tells
/// its owner at most one thing, last.
class ScriptedPeer::Stream final : public net::ByteStream {
  public:
    Stream(ScriptedPeer& peer, const net::ConnectRequest& request, const Script& script,
           std::string& client_bytes);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() override;

    void attach(net::StreamEvents* events) override;
    [[nodiscard]] std::string_view input() const override { return input_; }
    void consume(std::size_t count) override;
    void write(std::string_view bytes) override;
    [[nodiscard]] std::size_t output_pending() const override { return output_.size(); }
    void pause_reading() override { ++pauses_; }
    void resume_reading() override;
    void start_tls(const net::TlsSettings& settings,
                   std::function<void(Expected<void>)> done) override;
    [[nodiscard]] bool is_encrypted() const override { return is_encrypted_; }
    [[nodiscard]] net::PeerInfo peer() const override;

  private:
    void act() { turn_->arm(Duration::zero()); }
    void on_turn();
    void tell();

    /// Plays steps until one has to wait for something.
    void play();
    bool play_step(std::string_view verb, std::string_view rest);
    bool play_sending(std::string_view verb, std::string_view rest);
    bool play_expecting(std::string_view verb, std::string_view rest);
    bool play_tls(std::string_view verb, std::string_view rest);

    bool expect_bytes(std::string_view wanted);
    bool expect_prefix(std::string_view prefix);
    bool skip_until(std::string_view last);
    void wait(std::string_view duration);
    void fail(const std::string& what);
    void end(Errc code, const char* text);

    ScriptedPeer& peer_;
    std::deque<std::string> script_;
    std::size_t step_number_ = 1;
    std::string& client_bytes_;  ///< all of them, for the test
    std::string inbox_;          ///< sent by the client, not yet expected
    std::string outbox_;         ///< sent by the script, not yet arrived
    std::string input_;          ///< arrived, not yet consumed
    std::string output_;         ///< written, not yet sent

    net::StreamEvents* events_ = nullptr;
    int pauses_ = 0;
    bool offer_input_ = false;
    bool output_was_high_ = false;
    bool tell_output_low_ = false;
    bool is_encrypted_ = false;
    bool is_waiting_ = false;
    std::function<void(Expected<void>)> tls_asked_;
    std::optional<Expected<void>> tls_outcome_;
    std::optional<Error> end_;
    bool end_was_told_ = false;
    std::string address_;
    std::unique_ptr<event::Timer> turn_;
    std::unique_ptr<event::Timer> waiting_;
};

ScriptedPeer::Stream::Stream(ScriptedPeer& peer, const net::ConnectRequest& request,
                             const Script& script, std::string& client_bytes)
    : peer_(peer),
      script_(script.begin(), script.end()),
      client_bytes_(client_bytes),
      is_encrypted_(request.tls.has_value()),
      address_(request.endpoint.is_unix() ? request.endpoint.unix_path : "192.0.2.1"),
      turn_(peer.loop_.make_timer([this] { on_turn(); })),
      waiting_(peer.loop_.make_timer([this] {
          is_waiting_ = false;
          on_turn();
      })) {
    ++peer_.open_streams_;
    act();
}

ScriptedPeer::Stream::~Stream() {
    --peer_.open_streams_;
    client_bytes_ += output_;
    inbox_ += output_;
    play();  // what was written just before closing still arrives
    if (!script_.empty() && script_.front() != "closed" && !end_) {
        fail("the client has closed the connection");
    }
}

void ScriptedPeer::Stream::attach(net::StreamEvents* events) {
    events_ = events;
    offer_input_ = offer_input_ || !input_.empty();
    act();
}

void ScriptedPeer::Stream::consume(std::size_t count) {
    POSTRIDER_ASSERT(count <= input_.size());
    input_.erase(0, count);
    act();
}

void ScriptedPeer::Stream::write(std::string_view bytes) {
    if (end_was_told_) {
        return;
    }
    output_ += bytes;
    output_was_high_ = output_was_high_ || output_.size() > kOutputLowMark;
    act();
}

void ScriptedPeer::Stream::resume_reading() {
    POSTRIDER_ASSERT(pauses_ > 0);
    if (--pauses_ == 0) {
        offer_input_ = offer_input_ || !input_.empty();
        act();
    }
}

void ScriptedPeer::Stream::start_tls(const net::TlsSettings& /*settings*/,
                                     std::function<void(Expected<void>)> done) {
    POSTRIDER_ASSERT(!is_encrypted_ && tls_asked_ == nullptr);
    tls_asked_ = std::move(done);
    if (!input_.empty() || !outbox_.empty()) {
        tls_outcome_ =
            failure(Errc::protocol, Retry::later, "the server sent bytes before the TLS handshake");
    }
    act();
}

net::PeerInfo ScriptedPeer::Stream::peer() const {
    return {address_, is_encrypted_ ? "TLSv1.3 TLS_AES_256_GCM_SHA384" : ""};
}

void ScriptedPeer::Stream::on_turn() {
    client_bytes_ += output_;
    inbox_ += output_;
    output_.clear();
    tell_output_low_ = tell_output_low_ || std::exchange(output_was_high_, false);
    play();
    if (pauses_ == 0 && !outbox_.empty() && input_.size() < kInputLimit) {
        const std::size_t room = kInputLimit - input_.size();
        const std::size_t piece = peer_.piece_size_ == 0 ? room : peer_.piece_size_;
        const std::size_t count = std::min({room, piece, outbox_.size()});
        input_.append(outbox_, 0, count);
        outbox_.erase(0, count);
        offer_input_ = true;
    }
    tell();
}

void ScriptedPeer::Stream::tell() {
    if (tls_outcome_ && tls_asked_) {
        act();
        is_encrypted_ = tls_outcome_->has_value();
        const auto asked = std::exchange(tls_asked_, nullptr);
        asked(*std::exchange(tls_outcome_, std::nullopt));
        return;
    }
    if (events_ == nullptr) {
        return;
    }
    if (offer_input_ && pauses_ == 0) {
        offer_input_ = false;
        act();
        events_->on_input();
    } else if (std::exchange(tell_output_low_, false)) {
        act();
        events_->on_output_low();
    } else if (end_ && outbox_.empty() && pauses_ == 0 && !end_was_told_) {
        end_was_told_ = true;
        events_->on_closed(*end_);
    }
}

void ScriptedPeer::Stream::play() {
    while (!script_.empty() && !is_waiting_ && !end_) {
        const std::string step = script_.front();
        const auto [verb, rest] = split_step(step);
        if (!play_step(verb, rest)) {
            return;
        }
        script_.pop_front();
        ++step_number_;
    }
}

bool ScriptedPeer::Stream::play_step(std::string_view verb, std::string_view rest) {
    if (verb == "S:" || verb == "R:") {
        return play_sending(verb, rest);
    }
    if (verb == "tls" || verb == "tls-fail") {
        return play_tls(verb, rest);
    }
    if (verb == "wait") {
        wait(rest);
        return true;
    }
    if (verb == "close") {
        end(Errc::closed, "the server closed the connection");
        return true;
    }
    if (verb == "reset") {
        end(Errc::network, "connection reset by peer");
        return true;
    }
    if (verb == "closed") {
        if (!inbox_.empty()) {
            fail("the client was to close, but sent: " + escaped(inbox_));
        }
        return false;
    }
    return play_expecting(verb, rest);
}

bool ScriptedPeer::Stream::play_sending(std::string_view verb, std::string_view rest) {
    outbox_ += rest;
    outbox_ += verb == "S:" ? "\r\n" : "";
    return true;
}

bool ScriptedPeer::Stream::play_expecting(std::string_view verb, std::string_view rest) {
    if (verb == "C:") {
        return expect_bytes(std::string(rest) + "\r\n");
    }
    if (verb == "X:") {
        return expect_bytes(rest);
    }
    if (verb == "P:") {
        return expect_prefix(rest);
    }
    if (verb == "until") {
        return skip_until(rest);
    }
    fail("unknown step in the script");
    return false;
}

bool ScriptedPeer::Stream::play_tls(std::string_view verb, std::string_view rest) {
    if (!inbox_.empty()) {
        fail("the client was to start TLS, but sent: " + escaped(inbox_));
        return false;
    }
    if (tls_asked_ == nullptr || tls_outcome_) {
        return false;
    }
    if (verb == "tls") {
        tls_outcome_ = Expected<void>();
    } else {
        tls_outcome_ = failure(Errc::tls, Retry::never, std::string(rest));
    }
    return true;
}

bool ScriptedPeer::Stream::expect_bytes(std::string_view wanted) {
    const std::size_t common = std::min(wanted.size(), inbox_.size());
    if (std::string_view(inbox_).substr(0, common) != wanted.substr(0, common)) {
        fail("the client sent: " + escaped(inbox_));
        return false;
    }
    if (inbox_.size() < wanted.size()) {
        return false;
    }
    inbox_.erase(0, wanted.size());
    return true;
}

bool ScriptedPeer::Stream::expect_prefix(std::string_view prefix) {
    const std::size_t end = inbox_.find("\r\n");
    if (end == std::string::npos) {
        return false;
    }
    if (!inbox_.starts_with(prefix)) {
        fail("the client sent: " + escaped(inbox_));
        return false;
    }
    inbox_.erase(0, end + 2);
    return true;
}

bool ScriptedPeer::Stream::skip_until(std::string_view last) {
    for (std::size_t end = inbox_.find("\r\n"); end != std::string::npos;
         end = inbox_.find("\r\n")) {
        const bool is_last = std::string_view(inbox_).substr(0, end) == last;
        inbox_.erase(0, end + 2);
        if (is_last) {
            return true;
        }
    }
    return false;
}

void ScriptedPeer::Stream::wait(std::string_view duration) {
    const auto parsed = parse_duration(duration);
    POSTRIDER_ASSERT(parsed.has_value());
    is_waiting_ = true;
    waiting_->arm(*parsed);
}

void ScriptedPeer::Stream::fail(const std::string& what) {
    ADD_FAILURE() << "connection " << peer_.client_bytes_.size() << ", step " << step_number_
                  << " of the script \"" << (script_.empty() ? "" : escaped(script_.front()))
                  << "\": " << what;
    script_.clear();
    end(Errc::network, "the script has failed");
}

void ScriptedPeer::Stream::end(Errc code, const char* text) {
    end_ = Error{code, Retry::later, text};
}

/// A connect under way: it is answered on a later turn.
class ScriptedPeer::Connecting final : public event::Operation {
  public:
    Connecting(SimLoop& loop, Duration after, std::function<void()> answer)
        : timer_(loop.make_timer(std::move(answer))) {
        timer_->arm(after);
    }

  private:
    std::unique_ptr<event::Timer> timer_;
};

ScriptedPeer::ScriptedPeer(SimLoop& loop, Script first) : loop_(loop) {
    then(std::move(first));
}

ScriptedPeer::~ScriptedPeer() {
    POSTRIDER_ASSERT(open_streams_ == 0);
    EXPECT_EQ(scripts_.size(), 0U) << "scripts that no connection has asked for";
}

void ScriptedPeer::then(Script script) {
    scripts_.push_back(std::move(script));
}

const std::string& ScriptedPeer::client_bytes(std::size_t connection) const {
    return client_bytes_.at(connection);
}

std::unique_ptr<event::Operation> ScriptedPeer::connect(const net::ConnectRequest& request,
                                                        net::ConnectDone done) {
    requests_.push_back(request);
    client_bytes_.emplace_back();
    if (scripts_.empty()) {
        ADD_FAILURE() << "connection " << requests_.size() << " to " << request.endpoint.host
                      << " has no script";
        scripts_.push_back({"connect-fails network no script"});
    }
    Script script = std::move(scripts_.front());
    scripts_.pop_front();
    const std::string first = script.empty() ? "" : script.front();
    const auto [verb, rest] = split_step(first);
    if (verb == "connect-fails") {
        return std::make_unique<Connecting>(loop_, Duration::zero(),
                                            [done = std::move(done), error = connect_error(rest)] {
                                                done(tl::unexpected<Error>(error));
                                            });
    }
    if (verb == "connect-hangs") {
        return std::make_unique<Connecting>(loop_, request.deadline, [done = std::move(done)] {
            done(failure(Errc::timed_out, Retry::later, "no connection within the deadline"));
        });
    }
    return std::make_unique<Connecting>(
        loop_, Duration::zero(),
        [this, request, script = std::move(script), done = std::move(done),
         &bytes = client_bytes_.back()] {
            done(std::make_unique<Stream>(*this, request, script, bytes));
        });
}

}  // namespace postrider::test
