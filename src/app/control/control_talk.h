#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "postrider/event/loop.h"
#include "postrider/event/operation.h"

#include "app/control/control_socket.h"
#include "app/control/trace_desk.h"
#include "app/daemon/daemon_facts.h"
#include "app/daemon/pause_book.h"
#include "app/daemon/roster.h"
#include "app/held/held_desk.h"

namespace postrider::app {

/// Lines of a trace that wait for a reader who is slow; then some are left out, and that is told.
inline constexpr std::size_t kMaxWaitingLines = 1000;

/// One conversation over the control socket (docs/control-protocol.md), without its bytes: request
/// lines go in, answer lines come out of fill(), as many as there is room for.
class ControlTalk {
  public:
    /// What is talked about; all of it outlives the conversation.
    struct Ground {
        event::Loop& loop;
        Roster& roster;
        TraceDesk& traces;
        const std::map<std::string, std::shared_ptr<Outlet>>& outlets;
        std::function<DaemonFacts()> facts;
        std::function<void(ReloadDone)> reload;
        HeldDesk& held;
        /// Makes durable which accounts of the roster are paused.
        std::function<void(PauseBook::Done)> keep_pauses;
    };

    /// `on_more`: fill() has something again; from the loop, or from inside a session.
    ControlTalk(Ground& ground, ControlPeer peer, std::function<void()> on_more);
    ControlTalk(const ControlTalk&) = delete;
    ControlTalk& operator=(const ControlTalk&) = delete;
    ~ControlTalk();

    /// Only while is_busy() is false.
    void take(std::string_view request);
    /// The answer to the last request is not complete yet.
    [[nodiscard]] bool is_busy() const { return is_busy_; }
    /// Appends lines until `out` is longer than `mark`, or nothing is left.
    void fill(std::string& out, std::size_t mark);

  private:
    void obey(const std::string& command, const std::optional<std::string>& account,
              const nlohmann::json& request);
    void begin_status(const std::optional<std::string>& account);
    void begin_trace(const std::string& account);
    void reload();
    void begin_held(const nlohmann::json& request);
    void keep_pauses();
    [[nodiscard]] std::optional<HeldWork::Other> held_otherwise(const nlohmann::json& request);
    [[nodiscard]] bool expect_account(const std::string& name);
    void say_next_account();
    void hear(const TracedLine& line);
    void say(const nlohmann::json& object);
    void done();
    void refuse(const std::string& why, const char* kind = "usage");

    Ground& ground_;
    ControlPeer peer_;
    std::function<void()> on_more_;
    bool is_busy_ = false;
    std::deque<std::string> lines_;
    std::optional<std::string> next_account_;  ///< of a status: those from this name on are to come
    std::unique_ptr<event::Operation> listening_;  ///< to a trace
    std::unique_ptr<event::Operation> held_work_;
    std::size_t left_out_ = 0;  ///< of the trace
    std::shared_ptr<bool> is_alive_ =
        std::make_shared<bool>(true);  ///< for answers that come later
};

}  // namespace postrider::app
