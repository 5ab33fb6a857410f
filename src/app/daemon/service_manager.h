#pragma once

#include <optional>
#include <string>

#include "postrider/base/time.h"
#include "postrider/config/environment.h"

namespace postrider::app {

/// systemd, or whoever else started us and listens on NOTIFY_SOCKET (sd_notify(3)). Where nobody
/// listens, what is said is lost, and that is no error.
class ServiceManager {
  public:
    explicit ServiceManager(const config::Environment& environment);

    /// It wants to hear watchdog() at least this often, or it ends us.
    [[nodiscard]] std::optional<Duration> watchdog_period() const { return watchdog_period_; }

    void ready() const { say("READY=1"); }
    /// Followed by ready(), whatever came of it.
    void reloading(MonotonicTime now) const;
    void stopping() const { say("STOPPING=1"); }
    void watchdog() const { say("WATCHDOG=1"); }
    /// One line for `systemctl status`.
    void status(const std::string& text) const { say("STATUS=" + text); }

  private:
    void say(const std::string& state) const;

    std::string socket_;  ///< empty: nobody listens
    std::optional<Duration> watchdog_period_;
};

}  // namespace postrider::app
