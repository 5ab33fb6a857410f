#include "net/socket_stream.h"

#include <array>
#include <utility>

#include "postrider/base/assert.h"

namespace postrider::net {
namespace {

Error closed_by_peer() {
    return {Errc::closed, Retry::later, "the server closed the connection"};
}

event::Interest interest_in(bool read, bool write) {
    if (read) {
        return write ? event::Interest::read_write : event::Interest::read;
    }
    return write ? event::Interest::write : event::Interest::none;
}

}  // namespace

SocketStream::SocketStream(event::Loop& loop, Socket socket, std::string address,
                           std::shared_ptr<TlsTrusts> trusts)
    : socket_(std::move(socket)),
      address_(std::move(address)),
      trusts_(std::move(trusts)),
      turn_(loop.make_timer([this] { on_turn(); })),
      watch_(loop.watch_fd(socket_.fd(), event::Interest::read,
                           [this](event::Readiness ready) { on_ready(ready); })) {}

SocketStream::~SocketStream() {
    if (tls_ != nullptr && !output_.empty()) {
        tls_->abandon();  // a close_notify behind half a message would vouch for the half
    }
}

void SocketStream::attach(StreamEvents* events) {
    events_ = events;
    offer_input_ = !input_.empty();
    turn_soon();
}

void SocketStream::consume(std::size_t count) {
    input_.consume(count);
    update_interest();
}

void SocketStream::write(std::string_view bytes) {
    if (state_ == State::ended || write_failure_ || bytes.empty()) {
        return;
    }
    while (state_ == State::open && output_.empty() && !bytes.empty()) {
        const IoResult sent = send(bytes);
        if (sent.status == IoStatus::failed) {
            note_write_failure();
            return;
        }
        if (sent.status != IoStatus::ok) {
            break;
        }
        bytes.remove_prefix(sent.count);
    }
    if (!bytes.empty()) {
        output_.append(bytes);
        output_was_high_ = output_was_high_ || output_.size() > kOutputLowMark;
        update_interest();
    }
}

void SocketStream::pause_reading() {
    ++pauses_;
    update_interest();
}

void SocketStream::resume_reading() {
    POSTRIDER_ASSERT(pauses_ > 0);
    if (--pauses_ == 0) {
        offer_input_ = !input_.empty();
        update_interest();
        turn_soon();
    }
}

void SocketStream::start_tls(const TlsSettings& settings,
                             std::function<void(Expected<void>)> done) {
    const bool peer_spoke = !input_.empty() || has_bytes_waiting(socket_.fd());
    begin_tls(settings, std::move(done));
    if (state_ == State::handshaking && (peer_spoke || !output_.empty())) {
        handshake_outcome_ =
            failure(Errc::protocol, Retry::later,
                    "the server sent plain bytes behind its consent to start TLS: an attack, or a "
                    "broken server");
    }
}

void SocketStream::begin_tls(const TlsSettings& settings,
                             std::function<void(Expected<void>)> done) {
    POSTRIDER_ASSERT(tls_ == nullptr && state_ != State::handshaking);
    handshake_done_ = std::move(done);
    if (state_ == State::ended) {
        handshake_outcome_ =
            failure(std::exchange(untold_end_, std::nullopt).value_or(closed_by_peer()));
        turn_soon();
        return;
    }
    state_ = State::handshaking;
    auto trust = trusts_->find(settings.ca_file);
    auto channel = trust ? TlsChannel::make(std::move(*trust), socket_.fd(), settings)
                         : failure(std::move(trust.error()));
    if (channel) {
        tls_ = std::move(*channel);
    } else {
        handshake_outcome_ = failure(std::move(channel.error()));
    }
    turn_soon();
}

bool SocketStream::is_encrypted() const {
    return tls_ != nullptr && tls_->is_established();
}

PeerInfo SocketStream::peer() const {
    return {address_, is_encrypted() ? tls_->description() : std::string(), is_proxied_};
}

void SocketStream::on_ready(event::Readiness ready) {
    if (state_ == State::handshaking) {
        shake_hands();
    } else {
        if (ready.writable) {
            flush();
        }
        if (ready.readable || (ready.writable && read_wants_write_)) {
            fill();
        }
    }
    tell();
}

void SocketStream::on_turn() {
    if (state_ == State::handshaking) {
        shake_hands();
    } else if (tls_ != nullptr && tls_->has_pending()) {
        fill();
    }
    tell();
}

void SocketStream::shake_hands() {
    if (handshake_outcome_) {
        return;
    }
    switch (tls_->handshake()) {
        case IoStatus::ok:
            finish_handshake({});
            return;
        case IoStatus::want_read:
            handshake_wants_write_ = false;
            return;
        case IoStatus::want_write:
            handshake_wants_write_ = true;
            return;
        case IoStatus::end:
        case IoStatus::failed:
            finish_handshake(failure(tls_->error()));
            return;
    }
}

void SocketStream::finish_handshake(Expected<void> outcome) {
    handshake_outcome_ = std::move(outcome);
    if (handshake_outcome_->has_value()) {
        state_ = State::open;
        flush();
    }
}

void SocketStream::fill() {
    std::array<char, kInputLimit> scratch;  // left without zeros: recv() fills it
    read_wants_write_ = false;
    while (may_read()) {
        const std::span<char> room(scratch.data(), kInputLimit - input_.size());
        const IoResult got = tls_ != nullptr ? tls_->read(room) : receive_some(socket_.fd(), room);
        switch (got.status) {
            case IoStatus::ok:
                input_.append({scratch.data(), got.count});
                offer_input_ = true;
                if (tls_ == nullptr) {
                    return;  // more, or the end, shows as readiness again
                }
                break;
            case IoStatus::want_read:
                return;
            case IoStatus::want_write:
                read_wants_write_ = true;
                return;
            case IoStatus::end:
                end(write_failure_.value_or(closed_by_peer()));
                return;
            case IoStatus::failed:
                end(write_failure_.value_or(tls_ != nullptr ? tls_->error()
                                                            : network_error(got.error)));
                return;
        }
    }
}

void SocketStream::flush() {
    while (state_ == State::open && !output_.empty()) {
        const IoResult sent = send(output_.view());
        if (sent.status == IoStatus::failed) {
            note_write_failure();
            return;
        }
        if (sent.status != IoStatus::ok) {
            break;
        }
        output_.consume(sent.count);
    }
    if (output_was_high_ && output_.size() <= kOutputLowMark) {
        output_was_high_ = false;
        tell_output_low_ = true;
    }
}

IoResult SocketStream::send(std::string_view bytes) {
    if (tls_ == nullptr) {
        const IoResult sent = send_some(socket_.fd(), bytes);
        if (sent.status == IoStatus::failed) {
            write_failure_ = network_error(sent.error);
        }
        return sent;
    }
    IoResult sent = tls_->write(bytes);
    if (tls_->write_error() != 0) {
        write_failure_ = network_error(tls_->write_error());
        sent.status = IoStatus::failed;
    } else if (sent.status == IoStatus::failed) {
        write_failure_ = tls_->error();
    }
    return sent;
}

/// The peer takes no more. It may have said why (RFC 5321 section 4.2.5 allows a reply inside
/// DATA): the end is told only when reading meets it.
void SocketStream::note_write_failure() {
    output_.clear();
    output_was_high_ = false;
    update_interest();
}

void SocketStream::end(Error why) {
    state_ = State::ended;
    output_.clear();
    untold_end_ = std::move(why);
}

bool SocketStream::may_read() const {
    return state_ == State::open && pauses_ == 0 && input_.size() < kInputLimit;
}

void SocketStream::update_interest() {
    switch (state_) {
        case State::open:
            watch_->set_interest(interest_in(may_read(), !output_.empty() || read_wants_write_));
            if (may_read() && tls_ != nullptr && tls_->has_pending()) {
                turn_soon();
            }
            return;
        case State::handshaking:
            watch_->set_interest(
                handshake_outcome_ ? event::Interest::none
                                   : interest_in(!handshake_wants_write_, handshake_wants_write_));
            return;
        case State::ended:
            watch_->set_interest(event::Interest::none);
            return;
    }
}

void SocketStream::tell() {
    update_interest();
    if (handshake_outcome_ && handshake_done_) {
        Expected<void> outcome = *std::exchange(handshake_outcome_, std::nullopt);
        if (!outcome) {
            state_ = State::ended;
            update_interest();
        }
        const auto done = std::exchange(handshake_done_, nullptr);
        done(std::move(outcome));
        return;
    }
    const bool can_offer = offer_input_ && pauses_ == 0 && !input_.empty();
    if (events_ == nullptr || (pauses_ > 0 && !tell_output_low_)) {
        return;
    }
    if (can_offer && (tell_output_low_ || untold_end_)) {
        turn_soon();
    }
    if (can_offer) {
        offer_input_ = false;
        events_->on_input();
    } else if (std::exchange(tell_output_low_, false)) {
        if (untold_end_) {
            turn_soon();
        }
        events_->on_output_low();
    } else if (untold_end_) {
        const Error why = *std::exchange(untold_end_, std::nullopt);
        events_->on_closed(why);
    }
}

void SocketStream::turn_soon() {
    if (!turn_->is_armed()) {
        turn_->arm(Duration::zero());
    }
}

}  // namespace postrider::net
