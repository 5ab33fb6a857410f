#pragma once

#include <memory>

#include "postrider/base/log.h"
#include "postrider/config/config.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/net/connector.h"
#include "postrider/source/pop3_source.h"
#include "postrider/source/source.h"

namespace postrider::app {

/// What sources are made with; all of it outlives them.
struct SourceTools {
    event::Loop& loop;
    event::Worker& worker;  ///< for tokens, keys and the start of programs
    net::Connector& connector;
    Log* log = nullptr;  ///< for what programs say; nothing: nobody listens
};

/// The source of an account: through the connector, or through the account's own program.
[[nodiscard]] std::unique_ptr<source::SourceFactory> make_account_source(
    const SourceTools& tools, const config::AccountConfig& account, source::Pop3Settings settings);

}  // namespace postrider::app
