#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
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

/// A host that connects in our place: SOCKS5 (RFC 1928, 1929) or HTTP CONNECT (RFC 9110 section
/// 9.3.6). It is given the name of the server, not an address: we ask no DNS about that.
struct Proxy {
    enum class Kind : std::uint8_t { socks5, http };
    Kind kind = Kind::socks5;
    Endpoint endpoint;
    std::string user;  ///< empty: without a login
    Secret password;
};

/// Which addresses of a host are tried. Those that are preferred come first, the others after them.
enum class IpVersion : std::uint8_t { any, only_4, only_6, prefer_4, prefer_6 };

/// By which way a host is reached.
struct Via {
    std::optional<Proxy> proxy;
    std::string source_address;  ///< an IP literal of this machine; empty: what the system takes
    IpVersion ip_version = IpVersion::any;
};

struct ConnectRequest {
    Endpoint endpoint;
    Via via = {};
    std::optional<TlsSettings> tls;  ///< implicit TLS, part of the connecting
    Duration deadline =
        std::chrono::seconds(30);  ///< for everything: DNS, TCP on all addresses, TLS
};

using ConnectDone = std::function<void(Expected<std::unique_ptr<ByteStream>>)>;

/// Turns a request into a connected stream: c-ares, all addresses of the host, happy eyeballs
/// (RFC 8305), a proxy if there is one, TLS if asked for, all under one deadline.
/// Errors: dns, network, timed_out, tls; of proxies also closed, protocol, limit, and config if one
/// wants another login. Their text names the endpoint and the reason.
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
