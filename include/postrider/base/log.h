#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace postrider {

/// error = someone must act; warn = someone may; info = lifecycle; debug = for the developer.
enum class LogLevel : std::uint8_t { debug, info, warn, error };

/// One key=value of a log line. Numbers print as decimals; text passes the escaper when written.
struct Field {
    Field(std::string_view name, std::string_view text) : key(name), value(text) {}
    Field(std::string_view name, const char* text) : key(name), value(text) {}
    Field(std::string_view name, const std::string& text) : key(name), value(text) {}
    template <std::integral T>
    Field(std::string_view name, T number) : key(name), value(std::to_string(number)) {}

    std::string_view key;
    std::string value;
};

/// Where events go: one event, one line, key=value, account first. Handed to whoever logs; there is
/// no global logger.
class Log {
  public:
    virtual ~Log() = default;
    virtual void write(LogLevel level, std::string_view event,
                       std::initializer_list<Field> fields) = 0;

    void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(LogLevel::debug, event, fields);
    }
    void info(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(LogLevel::info, event, fields);
    }
    void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(LogLevel::warn, event, fields);
    }
    void error(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(LogLevel::error, event, fields);
    }
};

enum class LogFormat : std::uint8_t { text, json };

/// Lines on stderr at `lowest` and above.
[[nodiscard]] std::unique_ptr<Log> make_stderr_log(LogLevel lowest, LogFormat format);

}  // namespace postrider
