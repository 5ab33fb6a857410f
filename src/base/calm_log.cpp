#include "postrider/base/calm_log.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace postrider {

namespace {

class CalmLog final : public Log {
  public:
    CalmLog(std::unique_ptr<Log> inner, std::function<MonotonicTime()> now)
        : inner_(std::move(inner)), now_(std::move(now)) {}

    void write(LogLevel level, std::string_view event,
               std::initializer_list<Field> fields) override {
        if (level < LogLevel::warn || !is_repeated(event, fields)) {
            inner_->write(level, event, fields);
        }
    }

  private:
    struct Line {
        MonotonicTime written{};
        std::size_t repeated = 0;  ///< since then
    };

    [[nodiscard]] bool is_repeated(std::string_view event, std::initializer_list<Field> fields) {
        std::string text(event);
        for (const Field& field : fields) {
            text.append(1, '\0').append(field.key).append(1, '=').append(field.value);
        }
        const MonotonicTime now = now_();
        const auto known = lines_.find(text);
        if (known == lines_.end()) {
            make_room(now);
            lines_.emplace(std::move(text), Line{now, 0});
            return false;
        }
        Line& line = known->second;
        if (now - line.written < kCalmFor) {
            ++line.repeated;
            return true;
        }
        if (const std::size_t times = std::exchange(line.repeated, 0); times > 0) {
            inner_->write(LogLevel::warn, "repeated", {{"event", event}, {"times", times}});
        }
        line.written = now;
        return false;
    }

    /// Those that are over; if there are none, the oldest.
    void make_room(MonotonicTime now) {
        if (lines_.size() < kCalmLines) {
            return;
        }
        std::erase_if(lines_,
                      [now](const auto& line) { return now - line.second.written >= kCalmFor; });
        if (lines_.size() >= kCalmLines) {
            lines_.erase(std::min_element(
                lines_.begin(), lines_.end(),
                [](const auto& a, const auto& b) { return a.second.written < b.second.written; }));
        }
    }

    std::unique_ptr<Log> inner_;
    std::function<MonotonicTime()> now_;
    std::map<std::string, Line> lines_;
};

}  // namespace

std::unique_ptr<Log> make_calm_log(std::unique_ptr<Log> inner, std::function<MonotonicTime()> now) {
    return std::make_unique<CalmLog>(std::move(inner), std::move(now));
}

}  // namespace postrider
