#include "postrider/base/log.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

std::string logged(LogFormat format, LogLevel lowest, LogLevel level, const char* event,
                   std::initializer_list<Field> fields) {
    testing::internal::CaptureStderr();
    make_stderr_log(lowest, format)->write(level, event, fields);
    return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesOneLineOfKeysAndValues) {
    const std::string line = logged(LogFormat::text, LogLevel::info, LogLevel::warn, "session",
                                    {{"account", "alice"}, {"messages", 3}, {"text", "a b=c\""}});
    EXPECT_NE(line.find(" warning session account=alice messages=3 text=\"a b=c\\\"\"\n"),
              std::string::npos)
        << line;
}

// A-023
TEST(Log, RemoteBytesCannotBreakTheLine) {
    for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
        const std::string line = logged(format, LogLevel::info, LogLevel::info, "x",
                                        {{"text", "a\r\nforged account=bob\x1b[2J\x9b"}});
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        for (const char c : line.substr(0, line.size() - 1)) {
            EXPECT_TRUE(c >= 0x20 && c < 0x7f) << line;
        }
    }
}

TEST(Log, JsonEscapesAreJson) {
    const std::string line =
        logged(LogFormat::json, LogLevel::info, LogLevel::info, "x", {{"text", "q\" b\\ n\n"}});
    EXPECT_NE(line.find(R"("text":"q\" b\\ n\u000a")"), std::string::npos) << line;
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
    EXPECT_EQ(logged(LogFormat::text, LogLevel::warn, LogLevel::info, "x", {}), "");
}

}  // namespace
}  // namespace postrider
