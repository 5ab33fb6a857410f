#include "postrider/base/log.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/journal.h"

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

/// stderr is a file, and JOURNAL_STREAM names it, or not.
class JournalTest : public testing::Test {
  protected:
    static std::string as_journal(LogFormat format, LogLevel level, const char* stream = nullptr) {
        testing::internal::CaptureStderr();
        struct stat status {};
        EXPECT_EQ(::fstat(STDERR_FILENO, &status), 0);
        const std::string own = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
        ::setenv("JOURNAL_STREAM", stream == nullptr ? own.c_str() : stream, 1);
        prefix = journal_prefix(level);
        make_stderr_log(LogLevel::debug, format)->write(level, "x", {{"a", 1}});
        ::unsetenv("JOURNAL_STREAM");
        return testing::internal::GetCapturedStderr();
    }
    static inline std::string prefix;
};

// U-009
TEST_F(JournalTest, ALineBeginsWithItsPriorityAndLeavesTheTimeToTheJournal) {
    EXPECT_EQ(as_journal(LogFormat::text, LogLevel::error), "<3>error x a=1\n");
    EXPECT_EQ(prefix, "<3>");
    EXPECT_EQ(as_journal(LogFormat::text, LogLevel::warn), "<4>warning x a=1\n");
    EXPECT_EQ(as_journal(LogFormat::text, LogLevel::info), "<6>info x a=1\n");
    EXPECT_EQ(as_journal(LogFormat::text, LogLevel::debug), "<7>debug x a=1\n");
    EXPECT_EQ(as_journal(LogFormat::json, LogLevel::info).rfind("<6>{\"time\":", 0), 0U);
}

TEST_F(JournalTest, AnotherFileIsNoJournal) {
    const std::string line = as_journal(LogFormat::text, LogLevel::error, "1:2");
    EXPECT_EQ(line.front(), '2') << "of the year: " << line;
    EXPECT_EQ(prefix, "");
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
    EXPECT_EQ(logged(LogFormat::text, LogLevel::warn, LogLevel::info, "x", {}), "");
}

}  // namespace
}  // namespace postrider
