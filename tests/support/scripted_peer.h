#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/net/connector.h"

#include "support/sim_loop.h"

namespace postrider::test {

/// A server that plays a script, on virtual time and without a socket: the Connector to give to
/// the adapter under test. Each connect() takes the next script. One line of a script is one step:
///
///     S: +OK hello         sends the text and CRLF; steps that follow each other leave together
///     R: bytes             sends exactly these bytes
///     C: USER u            expects exactly this line and CRLF
///     P: EHLO              expects a line that begins so
///     X: bytes             expects exactly these bytes
///     until .              takes lines from the client up to and including this one
///     wait 30s             does nothing for so long
///     tls                  expects start_tls() and lets it succeed
///     tls-fail TEXT        expects start_tls() and fails it with Errc::tls, Retry::never
///     close                ends the connection in an orderly way, after what was sent
///     reset                ends it with Errc::network
///     closed               expects that the client closes (destroys the stream) here
///
/// and as the first line only:
///
///     connect-fails network|dns|tls TEXT
///     connect-hangs        nothing happens until the deadline of the request
///
/// What the client does otherwise is a failure of the test: other bytes than expected, closing
/// before the last step, scripts never asked for, connections without a script. After its last
/// step a script takes whatever comes and lets the client close when it likes.
class ScriptedPeer final : public net::Connector {
  public:
    using Script = std::vector<std::string>;

    /// `loop` outlives the peer, and the peer outlives its streams and operations.
    explicit ScriptedPeer(SimLoop& loop) : loop_(loop) {}
    ScriptedPeer(SimLoop& loop, Script first);
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;
    ~ScriptedPeer() override;

    /// The script of one more connection.
    void then(Script script);

    /// From now on server bytes arrive in pieces of at most `size` bytes, one piece a turn; zero
    /// (the default): as much at once as there is.
    void split_into(std::size_t size) { piece_size_ = size; }

    /// What connect() was asked for, in order.
    [[nodiscard]] const std::vector<net::ConnectRequest>& requests() const { return requests_; }

    /// All bytes the client has sent on its n-th connection, from zero.
    [[nodiscard]] const std::string& client_bytes(std::size_t connection) const;

    /// Streams that live now.
    [[nodiscard]] std::size_t open_streams() const { return open_streams_; }

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const net::ConnectRequest& request,
                                                            net::ConnectDone done) override;

  private:
    class Connecting;
    class Stream;

    SimLoop& loop_;
    std::deque<Script> scripts_;
    std::size_t piece_size_ = 0;
    std::size_t open_streams_ = 0;
    std::vector<net::ConnectRequest> requests_;
    std::deque<std::string> client_bytes_;  ///< a deque: streams keep references to its elements
};

}  // namespace postrider::test
