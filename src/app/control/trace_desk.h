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
#include "postrider/sink/delivery_listener.h"

namespace postrider::app {

enum class Speaker : std::uint8_t { client, server, note };

struct TracedLine {
    Speaker from = Speaker::note;
    std::string_view destination;  ///< with which this is said; empty: with the POP3 server
    std::string_view text;
};

/// Brings together sessions and deliveries, which may be listened to, and those who listen to an
/// account (`postrider trace`). Where nobody listens no work is done for it.
class TraceDesk final : public sink::DeliveryListener {
  public:
    /// Called from inside the session: it may neither end it nor stop listening.
    using Listener = std::function<void(const TracedLine&)>;

    /// Until the result is destroyed; the desk outlives it.
    [[nodiscard]] std::unique_ptr<event::Operation> listen(const std::string& account,
                                                           Listener listener);

    /// For the sessions of one poll of this account, which the desk outlives.
    [[nodiscard]] std::shared_ptr<pop3::Transcript> transcript_of(const std::string& account);

    [[nodiscard]] bool is_wanted(const std::string& account) const override;
    void client(const std::string& account, const std::string& destination,
                std::string_view line) override;
    void server(const std::string& account, const std::string& destination,
                std::string_view line) override;

  private:
    class Listening;
    class OfAccount;

    void tell(const std::string& account, const TracedLine& line) const;

    std::multimap<std::string, Listener> listeners_;
};

}  // namespace postrider::app
