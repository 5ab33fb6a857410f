#include "postrider/base/log.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/journal.h"
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

/// systemd names in JOURNAL_STREAM, as "device:inode", the file that is the journal
/// (systemd.exec(5)).
bool is_journal(int file) {
    const char* const stream =
        std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    struct stat status {};
    return stream != nullptr && ::fstat(file, &status) == 0 &&
           fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

/// As syslog(3) counts.
std::string_view priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::info:
            return "<6>";
        case LogLevel::warn:
            return "<4>";
        case LogLevel::error:
            return "<3>";
    }
    return "<3>";
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

LogLevel level_of(spdlog::level::level_enum level) {
    return level >= spdlog::level::err    ? LogLevel::error
           : level >= spdlog::level::warn ? LogLevel::warn
           : level >= spdlog::level::info ? LogLevel::info
                                          : LogLevel::debug;
}

/// What %* stands for: the priority, where stderr is the journal.
class JournalPrefix final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        if (is_journal_) {
            const std::string_view prefix = priority_of(level_of(message.level));
            out.append(prefix.data(), prefix.data() + prefix.size());
        }
    }
    [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<JournalPrefix>();
    }

  private:
    bool is_journal_ = is_journal(STDERR_FILENO);
};

class StderrLog : public Log {
  public:
    StderrLog(LogLevel lowest, LogFormat format)
        : logger_("postrider", std::make_shared<spdlog::sinks::stderr_sink_st>()), format_(format) {
        logger_.set_level(spdlog_level(lowest));
        logger_.flush_on(spdlog::level::trace);
        const std::string time = "%Y-%m-%dT%H:%M:%S.%e%z";
        const std::string text = is_journal(STDERR_FILENO) ? "%l %v" : time + " %l %v";
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        formatter->add_flag<JournalPrefix>('*').set_pattern(
            "%*" +
            (format == LogFormat::json ? R"({"time":")" + time + R"(","level":"%l",%v})" : text));
        logger_.set_formatter(std::move(formatter));
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
                line.append(",\"").append(field.key).append("\":");
                line += json_text(field.value);
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

std::string_view journal_prefix(LogLevel level) {
    return is_journal(STDERR_FILENO) ? priority_of(level) : "";
}

std::unique_ptr<Log> make_stderr_log(LogLevel lowest, LogFormat format) {
    return std::make_unique<StderrLog>(lowest, format);
}

}  // namespace postrider
