#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "postrider/event/loop.h"
#include "postrider/event/operation.h"

#include "net/address.h"

namespace postrider::net {

/// Finds the addresses of a host name, best first (RFC 6724). A seam: tests answer by themselves.
class Resolver {
  public:
    using Done = std::function<void(Expected<Addresses>)>;

    Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    virtual ~Resolver() = default;

    /// Errors: dns. A success brings at least one address. The resolver outlives its operations.
    [[nodiscard]] virtual std::unique_ptr<event::Operation> resolve(const std::string& host,
                                                                    std::uint16_t port,
                                                                    Done done) = 0;
};

/// The resolver of the program, on c-ares: /etc/hosts, then the servers of /etc/resolv.conf; a
/// change of that file counts from the next question on. Throws std::runtime_error if c-ares
/// cannot start. `servers`, "127.0.0.1:5353,...", stand in for those of the file if not empty.
[[nodiscard]] std::unique_ptr<Resolver> make_ares_resolver(event::Loop& loop,
                                                           const std::string& servers = {});

}  // namespace postrider::net
