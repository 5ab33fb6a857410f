#include "postrider/engine/destination.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace postrider::engine {

Destination::Destination(std::string name, sink::MailSink& sink, std::uint64_t seed,
                         OnAmbiguous on_ambiguous)
    : name_(std::move(name)), sink_(sink), on_ambiguous_(on_ambiguous), jitter_(seed) {}

std::optional<Error> Destination::closed(MonotonicTime now) const {
    if (!error_ || (error_->retry != Retry::never && now >= paused_until_)) {
        return std::nullopt;
    }
    return error_;
}

std::optional<MonotonicTime> Destination::opens_at() const {
    if (error_ && error_->retry == Retry::never) {
        return std::nullopt;
    }
    return error_ ? paused_until_ : MonotonicTime{};
}

void Destination::reopen() {
    error_.reset();
    pauses_in_row_ = 0;
    put_offs_in_row_ = 0;
    hang_ups_in_row_ = 0;
    refusals_since_start_ = 0;
}

void Destination::on_accepted() {
    error_.reset();
    has_accepted_ = true;
    pauses_in_row_ = 0;
    put_offs_in_row_ = 0;
    hang_ups_in_row_ = 0;
}

void Destination::on_put_off(MonotonicTime now, const std::string& answer) {
    if (++put_offs_in_row_ >= kPutOffsInRow) {
        on_fault({Errc::busy, Retry::later,
                  fmt::format("put off {} messages in a row, the last with: {}", put_offs_in_row_,
                              answer)},
                 now);
    }
}

void Destination::on_refused(const std::string& answer) {
    put_offs_in_row_ = 0;
    hang_ups_in_row_ = 0;
    if (has_accepted_) {
        return;
    }
    refusals_since_start_ = answer == last_refusal_ ? refusals_since_start_ + 1 : 1;
    last_refusal_ = answer;
    if (refusals_since_start_ >= kRefusalsInRow) {
        error_ = Error{Errc::refused, Retry::never,
                       fmt::format("destination {} refuses every message with: {}; check that it "
                                   "accepts mail from here for these recipients",
                                   name_, answer)};
    }
}

void Destination::on_fault(const Error& error, MonotonicTime now) {
    put_offs_in_row_ = 0;
    if (error.retry != Retry::never && closed(now)) {
        return;  // told by a delivery that was under way when it closed: no outage of its own
    }
    error_ = error.in("destination " + name_);
    paused_until_ = now + next_pause();
}

void Destination::on_hung_up(const Error& error, MonotonicTime now, const std::string& message) {
    if (hang_ups_in_row_ > 0 && message == last_hung_up_) {
        return;
    }
    last_hung_up_ = message;
    if (++hang_ups_in_row_ >= kHangUpsInRow) {
        hang_ups_in_row_ = 0;  // behind the pause it is one anew who may be at fault
        on_fault(error, now);
    }
}

Duration Destination::next_pause() {
    const std::uint32_t doublings = std::min(pauses_in_row_++, 10U);
    const Duration pause = std::min(kFirstPause * (1U << doublings), kLongestPause);
    return jitter_.scaled(pause, 1.0, 1.2);  // many destinations shall not wake in step
}

}  // namespace postrider::engine
