#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "postrider/engine/destination.h"
#include "postrider/event/loop.h"
#include "postrider/sink/sink.h"

#include "app/timed_sink.h"

namespace postrider::app {

/// A destination with the sink it guards.
struct Outlet {
    /// `loop` outlives it.
    Outlet(event::Loop& loop, const std::string& name, std::unique_ptr<sink::MailSink> its_sink,
           std::uint64_t seed)
        : sink(loop, std::move(its_sink)), destination(name, sink, seed) {}

    TimedSink sink;
    engine::Destination destination;
};

}  // namespace postrider::app
