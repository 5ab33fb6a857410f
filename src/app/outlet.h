#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "postrider/engine/destination.h"
#include "postrider/sink/sink.h"

namespace postrider::app {

/// A destination with the sink it guards.
struct Outlet {
    Outlet(const std::string& name, std::unique_ptr<sink::MailSink> its_sink, std::uint64_t seed)
        : sink(std::move(its_sink)), destination(name, *sink, seed) {}

    std::unique_ptr<sink::MailSink> sink;
    engine::Destination destination;
};

}  // namespace postrider::app
