#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "postrider/base/error.h"
#include "postrider/event/loop.h"

namespace postrider::app {

/// Answers GET and HEAD on one address of this machine: for metrics and health. Small on purpose:
/// no bodies are taken, no connection lives longer than a minute without asking.
class HttpServer {
  public:
    struct Answer {
        int status = 200;
        std::string body;
        std::string type = "text/plain; charset=utf-8";
    };
    /// From the loop. `path` is without query; nothing is known of who asks.
    using Handler = std::function<Answer(const std::string& path)>;

    /// Errors: config (the address cannot be used, or is in use). `loop`, the one of libevent,
    /// outlives it.
    [[nodiscard]] static Expected<std::unique_ptr<HttpServer>> listen(event::Loop& loop,
                                                                      const std::string& address,
                                                                      std::uint16_t port,
                                                                      Handler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    /// What it listens on: the one asked for, or one that the kernel chose for 0.
    [[nodiscard]] std::uint16_t port() const;

  private:
    struct Parts;
    explicit HttpServer(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace postrider::app
