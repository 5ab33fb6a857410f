#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "postrider/base/error.h"
#include "postrider/base/file_handle.h"

namespace postrider::app {

/// One conversation with a running daemon, from the command's side; blocks.
class ControlClient {
  public:
    /// One line of an answer; false: no more of it is wanted.
    using OnLine = std::function<bool(const nlohmann::json&)>;

    /// Errors: closed (no daemon), refused (not for this user).
    [[nodiscard]] static Expected<ControlClient> connect(const std::string& socket);

    /// Asks, and hands over each line of the answer but the last, "done". Errors: unsupported (the
    /// daemon knows no such account or command), refused (not for this user), busy, io (it could
    /// not), closed (it has ended meanwhile), timed_out.
    [[nodiscard]] Expected<void> ask(const nlohmann::json& request, const OnLine& on_line);

  private:
    explicit ControlClient(FileHandle connection) : connection_(std::move(connection)) {}
    [[nodiscard]] Expected<std::string> next_line();

    FileHandle connection_;
    std::string input_;
};

}  // namespace postrider::app
