#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"

namespace postrider::sink {

/// A host that failed is left alone for so long, as long as another one is there.
inline constexpr Duration kHostPause = std::chrono::seconds(60);

/// Which of a destination's hosts the next connection goes to: the first that has not failed
/// lately. Each stands in for those before it; when all have failed the destination has.
class SmtpHosts {
  public:
    /// How people call them, in the order of preference; at least one.
    explicit SmtpHosts(std::vector<std::string> names);

    /// Nothing: all have failed lately.
    [[nodiscard]] std::optional<std::size_t> next(MonotonicTime now) const;
    [[nodiscard]] bool has_several() const { return hosts_.size() > 1; }
    [[nodiscard]] std::size_t count() const { return hosts_.size(); }

    void on_failed(std::size_t host, const Error& why, MonotonicTime now);
    /// It is there: its next failure is a new one.
    void on_ready(std::size_t host) { hosts_.at(host).failed.reset(); }

    /// What all of them said, in one error: a person is needed only if every one needs that. All
    /// get another chance from now on.
    [[nodiscard]] Error give_up();

  private:
    struct Host {
        std::string name;
        std::optional<Error> failed = std::nullopt;
        MonotonicTime left_alone_until{};
    };

    std::vector<Host> hosts_;
};

}  // namespace postrider::sink
