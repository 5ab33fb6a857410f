#include "postrider/base/log.h"

#include <algorithm>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "postrider/base/text.h"

namespace postrider {

namespace {

constexpr std::size_t kMaxValue = 1024;

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// A quote within quotes is doubled like in no other place: \" keeps one line one record, in both
/// formats. escaped() has doubled the backslashes before, which JSON reads as one.
std::string quoted(std::string_view escaped_text) {
    std::string out = "\"";
    for (const char c : escaped_text) {
        if (c == '"') {
            out += '\\';
        }
        out += c;
    }
    out += '"';
    return out;
}

/// escaped() writes \xNN, which JSON does not know: there it becomes \u00NN.
std::string json_text(std::string_view text) {
    std::string safe = escaped(text, kMaxValue);
    std::string out;
    out.reserve(safe.size());
    for (std::size_t i = 0; i < safe.size(); ++i) {
        if (safe[i] == '\\' && i + 1 < safe.size() && safe[i + 1] == 'x') {
            out += "\\u00";
            ++i;
        } else if (safe[i] == '\\') {
            out += "\\\\";
            ++i;
        } else {
            out += safe[i];
        }
    }
    return quoted(out);
}

std::string text_value(std::string_view text) {
    std::string safe = escaped(text, kMaxValue);
    const bool plain = !safe.empty() && std::none_of(safe.begin(), safe.end(), [](char c) {
        return c == ' ' || c == '"' || c == '=';
    });
    return plain ? safe : quoted(safe);
}

class StderrLog : public Log {
  public:
    StderrLog(LogLevel lowest, LogFormat format)
        : logger_("postrider", std::make_shared<spdlog::sinks::stderr_sink_st>()), format_(format) {
        logger_.set_level(spdlog_level(lowest));
        logger_.flush_on(spdlog::level::trace);
        logger_.set_pattern(format == LogFormat::json
                                ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                                : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    }

    void write(LogLevel level, std::string_view event,
               std::initializer_list<Field> fields) override {
        if (!logger_.should_log(spdlog_level(level))) {
            return;
        }
        std::string line =
            format_ == LogFormat::json ? "\"event\":" + json_text(event) : std::string(event);
        for (const Field& field : fields) {
            if (format_ == LogFormat::json) {
                line.append(",\"").append(field.key).append("\":").append(json_text(field.value));
            } else {
                line.append(" ").append(field.key).append("=").append(text_value(field.value));
            }
        }
        logger_.log(spdlog_level(level), spdlog::string_view_t(line));
    }

  private:
    spdlog::logger logger_;
    LogFormat format_;
};

}  // namespace

std::unique_ptr<Log> make_stderr_log(LogLevel lowest, LogFormat format) {
    return std::make_unique<StderrLog>(lowest, format);
}

}  // namespace postrider
