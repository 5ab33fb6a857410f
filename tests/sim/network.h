#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/net/connector.h"

#include "sim/chaos.h"
#include "sim/machine.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "support/sim_loop.h"

namespace postrider::sim {

/// How far a connection came; stays when it is gone. Shared by the connection and by whoever sent
/// something and wants to know whether it arrived.
struct Arrivals {
    std::uint64_t at_client = 0;  ///< octets that the client's process has been given
    bool is_over = false;
    /// When the client let go of it; what it had written before may still come.
    std::optional<MonotonicTime> left_at;
    bool has_died = false;  ///< together with its process
};

/// A server's view of one connection.
class Wire {
  public:
    Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    virtual void send(std::string_view octets) = 0;
    /// The client gets all that was sent before; what it still says is not heard.
    virtual void close() = 0;
    /// Nothing more gets through in either direction, and nobody is told.
    virtual void stall() = 0;
    /// Octets sent so far, to be compared with Arrivals.
    [[nodiscard]] virtual std::uint64_t sent() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const Arrivals> arrivals() const = 0;

  protected:
    ~Wire() = default;
};

/// A server's half of one connection.
class Peer {
  public:
    Peer() = default;
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    /// The connection has ended.
    virtual ~Peer() = default;

    virtual void on_octets(std::string_view octets) = 0;
};

/// The network between postrider and the servers: carries octets in order, late, in pieces of any
/// size, and loses connections at any octet. The connector of the program under test.
class Network final : public net::Connector {
  public:
    using Serve = std::function<std::unique_ptr<Peer>(Wire&)>;

    Network(test::SimLoop& loop, Machine& machine, Chaos& chaos, Trace& trace, std::uint64_t seed);
    ~Network() override;

    /// Whoever connects to `host` gets a peer of these.
    void listen(const std::string& host, Serve serve) { servers_[host] = std::move(serve); }

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const net::ConnectRequest& request,
                                                            net::ConnectDone done) override;

    /// The client's process has ended and with it all its connections. Killed, the kernel still
    /// delivers what was written; without power, servers hear nothing and find out much later.
    void client_died(Machine::State how);

    [[nodiscard]] std::uint64_t disconnects() const { return disconnects_; }

  private:
    class Link;
    class Stream;
    class Connecting;

    void on_connecting(const std::string& host, const net::ConnectDone& done);
    /// Takes a link off that has ended; it may be the one that asks.
    void drop(std::uint64_t number);

    test::SimLoop& loop_;
    Machine& machine_;
    Chaos& chaos_;
    Trace& trace_;
    const std::uint64_t seed_;
    std::map<std::string, Serve> servers_;
    std::uint64_t connections_ = 0;
    std::uint64_t disconnects_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Link>> links_;
};

}  // namespace postrider::sim
