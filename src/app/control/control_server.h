#pragma once

#include <list>
#include <memory>
#include <string>

#include "postrider/base/file_handle.h"
#include "postrider/base/log.h"
#include "postrider/config/config.h"
#include "postrider/event/loop.h"

#include "app/control/control_talk.h"

namespace postrider::app {

// Limits on who talks to us: each a line of JSON at a time, which may name many held messages.
inline constexpr std::size_t kMaxControlPeers = 32;
inline constexpr std::size_t kMaxControlRequest = 65536;
/// Without a request, or without taking an answer.
inline constexpr Duration kControlPatience = std::chrono::seconds(30);

/// Accepts and carries the conversations of the control socket. A peer that may not talk to us is
/// told so and dropped; one that says or takes nothing is dropped, too.
class ControlServer {
  public:
    /// Takes over the listening socket. `ground` and what it refers to outlive it.
    ControlServer(ControlTalk::Ground& ground, Log& log, config::Control control,
                  FileHandle listening);
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;
    /// Removes the socket from the file system.
    ~ControlServer();

  private:
    class Peer;

    void accept();
    void drop(const Peer& peer);

    ControlTalk::Ground& ground_;
    Log& log_;
    config::Control control_;
    FileHandle listening_;
    std::list<std::unique_ptr<Peer>> peers_;
    std::unique_ptr<event::FdWatch> watch_;
};

}  // namespace postrider::app
