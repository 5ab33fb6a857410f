#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/engine/jitter.h"
#include "postrider/sink/sink.h"

namespace postrider::engine {

// When a destination pauses (design section 2, "Failures").
inline constexpr Duration kFirstPause = std::chrono::seconds(30);
inline constexpr Duration kLongestPause = std::chrono::minutes(15);
inline constexpr std::uint32_t kPutOffsInRow =
    3;  ///< 4xx to so many messages: it is not the message
inline constexpr std::uint32_t kHangUpsInRow =
    2;  ///< connections lost over so many messages, and none taken between: an outage
inline constexpr std::uint32_t kRefusalsInRow = 10;  ///< 5xx to all since the start: misconfigured

/// What becomes of a message that was handed over whole and of which nobody said whether it was
/// taken: it is delivered again, and may come twice, or it is held for a person to decide.
enum class OnAmbiguous : std::uint8_t { redeliver, hold };

/// A sink with its circuit breaker: while it is open no account logs in to fetch mail that nobody
/// takes. One per destination, shared by all accounts that deliver there.
///
///   open for mail --fault, put-offs in a row--> paused --time--> open for mail
///        \--misconfigured--> stopped
class Destination {
  public:
    /// `seed` decides the jitter of the pauses.
    Destination(std::string name, sink::MailSink& sink, std::uint64_t seed,
                OnAmbiguous on_ambiguous = OnAmbiguous::redeliver);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] sink::MailSink& sink() { return sink_; }
    [[nodiscard]] bool holds_ambiguous() const { return on_ambiguous_ == OnAmbiguous::hold; }

    /// Why nothing may be fetched for it now, if so.
    [[nodiscard]] std::optional<Error> closed(MonotonicTime now) const;

    /// When it is looked at again: in the past while it is open; nothing while it is stopped.
    [[nodiscard]] std::optional<MonotonicTime> opens_at() const;

    /// A person says that it is mended.
    void reopen();

    void on_accepted();
    /// A 4xx that was about one message.
    void on_put_off(MonotonicTime now, const std::string& answer);
    /// A 5xx that was about one message.
    void on_refused(const std::string& answer);
    /// It was not the message: Retry::never stops the destination, everything else pauses it; one
    /// pause, however many deliveries under way tell of the same outage.
    void on_fault(const Error& error, MonotonicTime now);
    /// A fault that this message (its delivery id) may have brought about: others shall have their
    /// turn first, and the same one again tells nothing new.
    void on_hung_up(const Error& error, MonotonicTime now, const std::string& message);

  private:
    [[nodiscard]] Duration next_pause();

    std::string name_;
    sink::MailSink& sink_;
    OnAmbiguous on_ambiguous_;
    Jitter jitter_;
    std::optional<Error> error_;
    MonotonicTime paused_until_{};
    std::uint32_t pauses_in_row_ = 0;
    std::uint32_t put_offs_in_row_ = 0;
    std::uint32_t hang_ups_in_row_ = 0;
    std::string last_hung_up_;
    std::uint32_t refusals_since_start_ = 0;
    bool has_accepted_ = false;
    std::string last_refusal_;
};

}  // namespace postrider::engine
