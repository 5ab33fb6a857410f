#pragma once

#include <memory>

#include "postrider/net/connector.h"

#include "net/resolver.h"

namespace postrider::net {

/// make_connector() with its parts chosen: tests bring a resolver of their own.
[[nodiscard]] std::unique_ptr<Connector> make_connector_with(event::Loop& loop,
                                                             std::unique_ptr<Resolver> resolver);

}  // namespace postrider::net
