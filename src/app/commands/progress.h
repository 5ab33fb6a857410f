#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "postrider/engine/account_poll.h"
#include "postrider/event/loop.h"

namespace postrider::app {

/// What a person sees while polls run: on a terminal a live line per account under way, redrawn a
/// few times a second; elsewhere nothing but each account's summary when it has ended.
class Progress {
  public:
    Progress(event::Loop& loop, bool is_terminal);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(const engine::PollReport& report);
    /// Replaces the account's line by its summary, for good.
    void finished(const engine::PollReport& report);

  private:
    struct Line {
        engine::PollReport report;
        MonotonicTime since{};
    };

    void redraw();
    void clear();

    event::Loop& loop_;
    bool is_terminal_;
    std::map<std::string, Line> lines_;
    std::size_t drawn_ = 0;  ///< lines on the screen that are ours to overwrite
    std::unique_ptr<event::Timer> tick_;
};

/// "alice  [#####.....] 120/240 messages, 1.2 MiB, 340/s, 2 s left", cut to `columns`. Pure.
[[nodiscard]] std::string progress_line(const engine::PollReport& report, Duration elapsed,
                                        std::size_t columns);

}  // namespace postrider::app
