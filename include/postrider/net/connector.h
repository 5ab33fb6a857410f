#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/event/loop.h"
#include "postrider/net/stream.h"
#include "postrider/net/tls.h"

namespace postrider::net {

/// A host (name or IP literal) and port, or the path of a Unix socket.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
    std::string unix_path;

    [[nodiscard]] bool is_unix() const { return !unix_path.empty(); }
    [[nodiscard]] std::string to_text() const;  ///< "pop.example:995", "[::1]:25", "/run/lmtp"
};

struct ConnectRequest {
    Endpoint endpoint;
    std::optional<TlsSettings> tls;  ///< implicit TLS, part of the connecting
    Duration deadline =
        std::chrono::seconds(30);  ///< for everything: DNS, TCP on all addresses, TLS
};

using ConnectDone = std::function<void(Expected<std::unique_ptr<ByteStream>>)>;

/// Turns a request into a connected stream: c-ares, all addresses of the host, happy eyeballs
/// (RFC 8305), TLS if asked for, all under one deadline.
/// Errors: dns, network, timed_out, tls. Their text names the endpoint and the reason.
class Connector {
  public:
    Connector() = default;
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    virtual ~Connector() = default;

    [[nodiscard]] virtual std::unique_ptr<event::Operation> connect(const ConnectRequest& request,
                                                                    ConnectDone done) = 0;

    /// Streams that live now, those that are still to become secure among them.
    [[nodiscard]] virtual std::size_t open_streams() const { return 0; }
};

/// The connector of the real program; `loop` outlives it. Throws std::runtime_error if OpenSSL or
/// c-ares cannot start.
[[nodiscard]] std::unique_ptr<Connector> make_connector(event::Loop& loop);

}  // namespace postrider::net
