#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/net/connector.h"

namespace postrider::net {

/// A program whose standard input and output are the connection: a tunnel, or the server itself.
struct CommandTransport {
    std::vector<std::string> argv;         ///< the program is searched in the PATH of `environment`
    std::vector<std::string> environment;  ///< "NAME=value": all that it gets
    /// Told each line of its standard error, cut and at most some of one connection; may be empty.
    std::function<void(std::string_view line)> said = {};
};

/// A connector that runs a program in place of each connection, whatever the endpoint (which still
/// names the certificate that TLS through the program must show). The program runs in a process
/// group of its own, which is killed when the stream is destroyed; it is always waited for. `loop`
/// and `worker` outlive the connector.
///
/// Errors: config (no such program), io (it cannot be started), timed_out, tls. How the program
/// ended and what it said last stands in the error that ends the stream.
[[nodiscard]] std::unique_ptr<Connector> make_command_connector(event::Loop& loop,
                                                                event::Worker& worker,
                                                                CommandTransport transport);

}  // namespace postrider::net
