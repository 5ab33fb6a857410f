#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace postrider::pop3 {

enum class Verb : std::uint8_t {
    uidl,
    list,
    retr,
    top_all,   ///< TOP with more lines than a message has: a RETR that nobody takes for reading
    top_head,  ///< TOP without lines of the body
    dele,
    noop,
    stat,  ///< only to learn whether a listing was refused because there is nothing to list
};

struct Command {
    Verb verb = Verb::noop;
    std::uint32_t number = 0;  ///< of the message; 0 where the verb takes none
};

/// As it goes out, without CRLF: "RETR 3".
[[nodiscard]] std::string to_text(const Command& command);

/// Commands on their way, first in first out: those that wait, and those that are sent and wait for
/// their reply. Without pipelining one is sent at a time; with it, as many as the window holds
/// (RFC 2449 section 6.6). A window that once was full stays shut until it has fallen to the low
/// mark, so that commands go out in batches and not one by one (P-022).
class Window {
  public:
    void allow_pipelining() { pipelining_ = true; }

    void push(Command command) { commands_.push_back(command); }

    /// Appends what may be sent now.
    void fill(std::string& output);

    /// The command whose reply comes next; only while in_flight() > 0.
    [[nodiscard]] const Command& front() const;
    void pop();

    /// Sent, and waiting for the reply.
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
    /// These and those that wait to be sent.
    [[nodiscard]] std::size_t outstanding() const { return commands_.size(); }

  private:
    std::deque<Command> commands_;  ///< the first in_flight_ of them are sent
    std::size_t in_flight_ = 0;
    bool pipelining_ = false;
    bool open_ = true;  ///< false from the full mark down to the low one
};

}  // namespace postrider::pop3
