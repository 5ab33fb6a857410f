#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "postrider/event/operation.h"
#include "postrider/protocol/pop3/transcript.h"

namespace postrider::app {

enum class Speaker : std::uint8_t { client, server, note };

/// Brings together sessions, which may be listened to, and those who listen to an account
/// (`postrider trace`). Where nobody listens a session does no work for it.
class TraceDesk {
  public:
    /// Called from inside the session: it may neither end it nor stop listening.
    using Listener = std::function<void(Speaker, std::string_view line)>;

    /// Until the result is destroyed; the desk outlives it.
    [[nodiscard]] std::unique_ptr<event::Operation> listen(const std::string& account,
                                                           Listener listener);

    /// For the sessions of one poll of this account, which the desk outlives.
    [[nodiscard]] std::shared_ptr<pop3::Transcript> transcript_of(const std::string& account);

  private:
    class Listening;
    class OfAccount;

    std::multimap<std::string, Listener> listeners_;
};

}  // namespace postrider::app
