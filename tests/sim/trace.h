#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "support/sim_loop.h"

namespace postrider::sim {

/// What happened in a run, one line an event, with its virtual time: to be read by people and
/// compared by the test of determinism. Costs nothing while it is off.
class Trace {
  public:
    enum class Mode : std::uint8_t {
        off,
        kept,
        printed,  ///< at once: what happens may end this program
    };

    Trace(const test::SimLoop& loop, Mode mode) : loop_(loop), mode_(mode) {}

    template <class... Parts>
    void operator()(fmt::format_string<Parts...> format, Parts&&... parts) {
        if (mode_ != Mode::off) {
            add(fmt::format(format, std::forward<Parts>(parts)...));
        }
    }

    [[nodiscard]] bool is_on() const { return mode_ != Mode::off; }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void add(std::string_view line) {
        const auto now = loop_.now().time_since_epoch();
        const std::string whole =
            fmt::format("{:>14.6f} {}\n", static_cast<double>(now.count()) / 1e9, line);
        if (mode_ == Mode::printed) {
            fmt::print("{}", whole);
            std::fflush(stdout);
        } else {
            text_ += whole;
        }
    }

    const test::SimLoop& loop_;
    const Mode mode_;
    std::string text_;
};

}  // namespace postrider::sim
