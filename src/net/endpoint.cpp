#include "postrider/net/connector.h"

namespace postrider::net {

std::string Endpoint::to_text() const {
    if (is_unix()) {
        return unix_path;
    }
    const bool is_v6_literal = host.find(':') != std::string::npos;
    const std::string shown = is_v6_literal ? "[" + host + "]" : host;
    return shown + ":" + std::to_string(port);
}

}  // namespace postrider::net
