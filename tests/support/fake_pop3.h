#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/net/connector.h"

#include "support/sim_loop.h"

namespace postrider::test {

/// A POP3 server with a mailbox of its own and all the vices that servers have, on virtual time and
/// without a socket: the Connector to give to the source under test. Whatever a client does is
/// answered as RFC 1939 and 2449 say, unless a wish below says otherwise.
class FakePop3 final : public net::Connector {
  public:
    struct Message {
        std::string uid;  ///< empty: its line of UIDL has a number only
        std::string octets;
        std::optional<std::uint64_t> listed_size = std::nullopt;  ///< else the true one
    };

    /// What happens instead of the usual answer to a command.
    struct Rule {
        std::string command;     ///< "CAPA", "RETR 2": the line begins so; "greeting"
        std::size_t times = 0;   ///< how often; 0: always
        std::string reply = {};  ///< these bytes, if `is_reply`
        bool is_reply = false;
        bool is_endless = false;  ///< then octets without a line end for ever
        bool is_end = false;      ///< then the connection ends
        bool is_reset = false;    ///< ... with a reset
        bool is_silent = false;   ///< nothing at all
        /// The usual answer, and a reset after so many octets of it.
        std::optional<std::size_t> cut_after = std::nullopt;
        /// The usual answer, so much later.
        Duration late{};
        /// The usual answer in pieces of so many octets, and then the rest.
        std::vector<std::size_t> splits = {};

        [[nodiscard]] bool is_usual() const {
            return cut_after || late > Duration::zero() || !splits.empty();
        }
    };

    enum class Quit : std::uint8_t { deletes, keeps, refuses, deletes_and_hangs_up };

    explicit FakePop3(SimLoop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const net::ConnectRequest& request,
                                                            net::ConnectDone done) override;

    std::vector<Message> mailbox;
    std::vector<std::string> capa = {"USER", "UIDL", "TOP", "RESP-CODES"};
    bool has_capa = true;
    bool has_uidl = true;
    std::string line_end = "\r\n";
    bool stuffs = true;
    std::size_t window = SIZE_MAX;  ///< lists so many of the oldest only
    bool consumes = false;          ///< QUIT takes what was RETRieved
    bool deletes_on_retr = false;   ///< RETR takes it at once
    bool drops_pipelining = false;  ///< hangs up on a second command before the first is answered
    Quit quit = Quit::deletes;
    Duration login_delay{};  ///< a login that comes sooner is refused
    std::size_t in_use = 0;  ///< so many logins are refused with [IN-USE]
    std::string password = "secret";
    std::size_t piece = 0;    ///< octets that arrive at a time; 0: as much as there is
    Duration pause{};         ///< between pieces
    std::vector<Rule> rules;  ///< the first that fits counts

    /// The server's half of a connection: for who carries the bytes himself.
    class Session;

    /// Every line that clients have sent, over all connections; those after PASS and AUTH too.
    [[nodiscard]] const std::vector<std::string>& commands() const { return commands_; }
    [[nodiscard]] std::size_t connections() const { return connections_; }

  private:
    class Connecting;
    class Stream;

    SimLoop& loop_;
    std::vector<std::string> commands_;
    std::size_t connections_ = 0;
    std::optional<MonotonicTime> last_login_;
};

/// What a session wants to be sent next. Chunks are asked for when there is room.
struct FakeOutput {
    std::string bytes;
    bool is_endless = false;
    bool is_end = false;
    bool is_reset = false;
    std::optional<std::size_t> cut_after = std::nullopt;
    Duration late{};
    std::vector<std::size_t> splits = {};
};

}  // namespace postrider::test
