#include "sim/network.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "postrider/base/assert.h"

namespace postrider::sim {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWhole = 16384;  ///< octets that a good connection carries at a time

}  // namespace

/// The client's end.
class Network::Stream final : public net::ByteStream {
  public:
    explicit Stream(Link& link) : link_(&link) {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() override;

    void attach(net::StreamEvents* events) override;
    [[nodiscard]] std::string_view input() const override { return input_; }
    void consume(std::size_t count) override;
    void write(std::string_view octets) override;
    [[nodiscard]] std::size_t output_pending() const override;
    void pause_reading() override { ++pauses_; }
    void resume_reading() override;
    void start_tls(const net::TlsSettings& /*settings*/,
                   std::function<void(Expected<void>)> /*done*/) override {
        POSTRIDER_ASSERT(false && "the simulated network has no TLS");
    }
    [[nodiscard]] bool is_encrypted() const override { return false; }
    [[nodiscard]] net::PeerInfo peer() const override { return {"192.0.2.1", ""}; }

  private:
    friend class Link;
    Link* link_;  ///< none: the connection has ended
    std::string input_;
    net::StreamEvents* events_ = nullptr;
    int pauses_ = 0;
};

/// A connection: both directions with a timer for the next piece. Owned by the network; the client
/// has its stream, the server its peer, and either may go first.
class Network::Link final : public Wire {
  public:
    Link(Network& network, std::uint64_t number);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    void serve(const Serve& serve) { peer_ = serve(*this); }
    [[nodiscard]] std::unique_ptr<Stream> make_stream();

    // By the server:
    void send(std::string_view octets) override;
    void close() override;
    void stall() override;
    [[nodiscard]] std::uint64_t sent() const override { return sent_; }
    [[nodiscard]] std::shared_ptr<const Arrivals> arrivals() const override { return arrivals_; }

    // By the client:
    void on_written(std::string_view octets);
    [[nodiscard]] std::size_t pending() const { return going_.size(); }
    [[nodiscard]] bool is_heard() const { return !is_closed_ && network_.machine_.runs(); }
    void offer_again();
    void look_again();
    void on_client_gone();
    void on_power_lost();

    /// Nothing happens here any more.
    void retire() {
        going_timer_->disarm();
        coming_timer_->disarm();
        peer_.reset();
    }

  private:
    void arm(event::Timer& timer);
    [[nodiscard]] std::uint64_t place_of(Fault fault);
    [[nodiscard]] std::string take(std::string& waiting, std::size_t room,
                                   std::optional<std::uint64_t>& left, bool& is_cut);
    void carry_going();
    void carry_coming();
    void cut();
    void note_left();

    Network& network_;
    const std::uint64_t number_;
    Random random_;
    const Duration latency_;
    const std::size_t largest_;
    std::unique_ptr<Peer> peer_;
    Stream* stream_ = nullptr;
    std::string going_;   ///< written by the client, not yet at the server
    std::string coming_;  ///< sent by the server, not yet at the client
    std::uint64_t sent_ = 0;
    std::optional<std::uint64_t> going_left_;  ///< so many octets, and the connection is cut
    std::optional<std::uint64_t> coming_left_;
    std::optional<std::uint64_t> stalls_at_;  ///< of coming octets
    bool is_closed_ = false;                  ///< by the server, or cut
    bool is_cut_ = false;
    bool is_stalled_ = false;
    bool is_silent_ = false;  ///< the client is gone, and the server does not know
    bool offers_again_ = false;
    bool output_was_high_ = false;
    std::shared_ptr<Arrivals> arrivals_ = std::make_shared<Arrivals>();
    std::unique_ptr<event::Timer> going_timer_;
    std::unique_ptr<event::Timer> coming_timer_;
};

Network::Link::Link(Network& network, std::uint64_t number)
    : network_(network),
      number_(number),
      random_(scrambled({network.seed_, 0x11d, number})),
      latency_(Duration(1us) * static_cast<std::int64_t>(random_.skewed(40'000))),
      largest_(random_.one_in(6) ? random_.between(1, 300) : kWhole),
      going_timer_(network.loop_.make_timer([this] { carry_going(); })),
      coming_timer_(network.loop_.make_timer([this] { carry_coming(); })) {
    if (network.chaos_.strikes(Fault::cut_going)) {
        going_left_ = place_of(Fault::cut_going);
    }
    if (network.chaos_.strikes(Fault::cut_coming)) {
        coming_left_ = place_of(Fault::cut_coming);
    }
    if (network.chaos_.strikes(Fault::stall)) {
        stalls_at_ = place_of(Fault::stall);
    }
}

Network::Link::~Link() {
    arrivals_->is_over = true;
    if (stream_ != nullptr) {
        stream_->link_ = nullptr;
    }
}

std::unique_ptr<Network::Stream> Network::Link::make_stream() {
    auto stream = std::make_unique<Stream>(*this);
    stream_ = stream.get();
    return stream;
}

void Network::Link::arm(event::Timer& timer) {
    if (!timer.is_armed()) {
        timer.arm(latency_ + Duration(static_cast<std::int64_t>(random_.below(100'000))));
    }
}

/// Early in the connection more often than late.
std::uint64_t Network::Link::place_of(Fault fault) {
    const std::uint64_t most = 16ULL << network_.chaos_.choose(fault, 12);
    return network_.chaos_.choose(fault, most);
}

void Network::Link::send(std::string_view octets) {
    if (is_closed_) {
        return;
    }
    sent_ += octets.size();
    coming_ += octets;
    arm(*coming_timer_);
}

void Network::Link::close() {
    is_closed_ = true;
    arm(*coming_timer_);
}

void Network::Link::stall() {
    if (!std::exchange(is_stalled_, true)) {
        ++network_.disconnects_;
        network_.trace_("net: {} stalls", number_);
    }
}

void Network::Link::on_written(std::string_view octets) {
    going_ += octets;
    output_was_high_ = output_was_high_ || going_.size() > net::ByteStream::kOutputLowMark;
    arm(*going_timer_);
}

void Network::Link::offer_again() {
    offers_again_ = true;
    arm(*coming_timer_);
}

void Network::Link::look_again() {
    if (!coming_.empty() || is_closed_ || offers_again_) {
        arm(*coming_timer_);
    }
}

void Network::Link::note_left() {
    stream_ = nullptr;
    arrivals_->left_at = network_.loop_.now();
    arrivals_->has_died = !network_.machine_.runs();
}

/// The process has closed its end. What it had written arrives, or a beginning of it: not all need
/// have left the process.
void Network::Link::on_client_gone() {
    note_left();
    if (random_.one_in(4)) {
        going_.resize(random_.below(going_.size() + 1));
    }
    coming_.clear();
    arm(*going_timer_);
}

void Network::Link::on_power_lost() {
    if (stream_ != nullptr) {
        stream_->link_ = nullptr;
        note_left();
    }
    going_.resize(random_.below(going_.size() + 1));
    coming_.clear();
    is_silent_ = true;
    arm(*going_timer_);
}

std::string Network::Link::take(std::string& waiting, std::size_t room,
                                std::optional<std::uint64_t>& left, bool& is_cut) {
    std::size_t count = std::min({waiting.size(), room, largest_});
    if (largest_ < kWhole && count > 1) {
        count = random_.between(1, count);
    }
    if (left) {
        is_cut = *left <= count && !network_.chaos_.is_healed();
        count = is_cut ? *left : count;
        *left -= std::min<std::uint64_t>(*left, count);
    }
    std::string piece = waiting.substr(0, count);
    waiting.erase(0, count);
    return piece;
}

void Network::Link::carry_going() {
    bool is_cut = false;
    const std::string piece = take(going_, SIZE_MAX, going_left_, is_cut);
    if (!piece.empty() && peer_ != nullptr && !is_closed_ && !is_stalled_) {
        peer_->on_octets(piece);
    }
    if (is_cut) {
        cut();
        return;
    }
    if (!going_.empty()) {
        arm(*going_timer_);
    } else if (stream_ == nullptr) {
        if (std::exchange(is_silent_, false)) {
            going_timer_->arm(1s * static_cast<std::int64_t>(random_.between(1, 600)));
        } else {
            network_.drop(number_);
        }
        return;
    }
    if (output_was_high_ && going_.size() <= net::ByteStream::kOutputLowMark &&
        stream_ != nullptr && stream_->events_ != nullptr && network_.machine_.event()) {
        output_was_high_ = false;
        stream_->events_->on_output_low();
    }
}

void Network::Link::carry_coming() {
    if (stream_ == nullptr || stream_->events_ == nullptr || stream_->pauses_ > 0 ||
        !network_.machine_.event()) {
        return;  // who attaches or resumes looks again
    }
    if (stalls_at_ && *stalls_at_ <= arrivals_->at_client + coming_.size() &&
        !network_.chaos_.is_healed()) {
        stall();
    }
    if (is_stalled_) {
        return;
    }
    bool is_cut = false;
    const std::size_t held = std::min(stream_->input_.size(), net::ByteStream::kInputLimit);
    const std::string piece =
        take(coming_, net::ByteStream::kInputLimit - held, coming_left_, is_cut);
    stream_->input_ += piece;
    arrivals_->at_client += piece.size();
    const bool has_news = std::exchange(offers_again_, false) || !piece.empty();
    if (is_cut) {
        cut();
    }
    // The client is told one thing, last.
    if (has_news) {
        look_again();
        stream_->events_->on_input();
    } else if (is_closed_ && coming_.empty()) {
        net::StreamEvents* const events = stream_->events_;
        std::exchange(stream_, nullptr)->link_ = nullptr;
        const bool was_cut = is_cut_;
        network_.drop(number_);
        events->on_closed(
            was_cut ? Error{Errc::network, Retry::later, "connection reset by peer"}
                    : Error{Errc::closed, Retry::later, "the server closed the connection"});
    }
}

/// The network has lost it; both ends find out.
void Network::Link::cut() {
    ++network_.disconnects_;
    network_.trace_("net: {} is cut", number_);
    peer_.reset();
    going_.clear();
    coming_.clear();
    is_closed_ = true;
    is_cut_ = true;
    if (stream_ == nullptr) {
        network_.drop(number_);
    } else {
        arm(*coming_timer_);
    }
}

Network::Stream::~Stream() {
    if (link_ != nullptr) {
        link_->on_client_gone();
    }
}

void Network::Stream::attach(net::StreamEvents* events) {
    events_ = events;
    if (link_ == nullptr) {
        return;
    }
    if (input_.empty()) {
        link_->look_again();
    } else {
        link_->offer_again();
    }
}

void Network::Stream::consume(std::size_t count) {
    POSTRIDER_ASSERT(count <= input_.size());
    input_.erase(0, count);
    if (link_ != nullptr) {
        link_->look_again();
    }
}

void Network::Stream::write(std::string_view octets) {
    if (link_ != nullptr && link_->is_heard()) {
        link_->on_written(octets);
    }
}

std::size_t Network::Stream::output_pending() const {
    return link_ == nullptr ? 0 : link_->pending();
}

void Network::Stream::resume_reading() {
    POSTRIDER_ASSERT(pauses_ > 0);
    if (--pauses_ == 0 && link_ != nullptr) {
        if (input_.empty()) {
            link_->look_again();
        } else {
            link_->offer_again();
        }
    }
}

class Network::Connecting final : public event::Operation {
  public:
    Connecting(test::SimLoop& loop, Duration after, std::function<void()> answer)
        : timer_(loop.make_timer(std::move(answer))) {
        timer_->arm(after);
    }

  private:
    std::unique_ptr<event::Timer> timer_;
};

Network::Network(test::SimLoop& loop, Machine& machine, Chaos& chaos, Trace& trace,
                 std::uint64_t seed)
    : loop_(loop), machine_(machine), chaos_(chaos), trace_(trace), seed_(seed) {}

Network::~Network() = default;

std::unique_ptr<event::Operation> Network::connect(const net::ConnectRequest& request,
                                                   net::ConnectDone done) {
    const std::string& host = request.endpoint.host;
    if (chaos_.strikes(Fault::connect_refused)) {
        trace_("net: {} cannot be reached", host);
        const bool is_refused = chaos_.choose(Fault::connect_refused, 2) == 0;
        return std::make_unique<Connecting>(
            loop_, is_refused ? Duration(1ms) : request.deadline,
            [is_refused, done = std::move(done)] {
                done(is_refused ? failure(Errc::network, Retry::later, "connection refused")
                                : failure(Errc::timed_out, Retry::later, "no answer"));
            });
    }
    return std::make_unique<Connecting>(
        loop_, 1ms, [this, host, done = std::move(done)] { on_connecting(host, done); });
}

void Network::on_connecting(const std::string& host, const net::ConnectDone& done) {
    if (!machine_.event()) {
        return;
    }
    const std::uint64_t number = connections_++;
    trace_("net: {} to {}", number, host);
    Link& link = *(links_[number] = std::make_unique<Link>(*this, number));
    std::unique_ptr<Stream> stream = link.make_stream();
    link.serve(servers_.at(host));
    done(std::move(stream));
}

void Network::drop(std::uint64_t number) {
    const auto link = links_.find(number);
    POSTRIDER_ASSERT(link != links_.end());
    link->second->retire();
    loop_.defer_delete(std::move(link->second));
    links_.erase(link);
}

void Network::client_died(Machine::State how) {
    if (how == Machine::State::powerless) {
        for (const auto& [number, link] : links_) {
            link->on_power_lost();
        }
    }
}

}  // namespace postrider::sim
