#include "config/command.h"

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "config_fixture.h"

namespace postrider::config {
namespace {

constexpr CommandLimits kAmple{std::chrono::seconds(60), 1024};

class Command : public ConfigFiles {
  protected:
    Command() { environment_.variables["PATH"] = "/usr/bin:/bin"; }

    [[nodiscard]] Expected<Secret> shell(const std::string& script, CommandLimits limits) const {
        return run_command({"sh", "-c", script}, environment_, limits);
    }
};

TEST_F(Command, IsKilledWhenItsTimeIsUpTogetherWithWhatItStarted) {
    const std::string pid_file = path("pid");
    pid_t sleeper = 0;
    // On a busy machine a shell may not even have begun when its time is up: it gets more, then.
    for (std::chrono::milliseconds time(300); sleeper == 0 && time < std::chrono::minutes(1);
         time *= 2) {
        const auto result =
            shell("sleep 1000 & echo $! > " + pid_file + "; wait", {Duration(time), 1024});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().text, "did not end within " + to_text(Duration(time)));
        std::ifstream(pid_file) >> sleeper;
    }
    ASSERT_GT(sleeper, 1);
    // An orphan that was killed is gone as soon as init has reaped it; as a zombie it has no name.
    const auto command_line = [sleeper] {
        std::string line;
        std::ifstream("/proc/" + std::to_string(sleeper) + "/cmdline") >> line;
        return line;
    };
    for (int i = 0; i < 3000 && !command_line().empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(command_line(), "");
}

TEST_F(Command, MayWriteAsMuchAsTheLimitAndNotAnOctetMore) {
    const auto fits = shell("printf %01024d 0", kAmple);
    ASSERT_TRUE(fits) << fits.error().text;
    EXPECT_EQ(fits->reveal().size(), 1024U);
    const auto over = shell("printf %01025d 0", kAmple);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().text, "wrote more than 1.0 KiB");
}

TEST_F(Command, ThatNeverStopsWritingIsStopped) {
    EXPECT_FALSE(run_command({"yes"}, environment_, kAmple));
}

TEST_F(Command, MayComplainAtLengthAndStillSucceed) {
    const auto result = shell("yes | head -c 200000 >&2; echo done", kAmple);
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(result->reveal(), "done\n");
}

TEST_F(Command, LeavesBehindAnAgentThatHoldsItsOutput) {
    const auto result = shell("sleep 1000 & echo $!", kAmple);
    ASSERT_TRUE(result) << result.error().text;
    const pid_t agent = std::stoi(std::string(result->reveal()));
    EXPECT_EQ(::kill(agent, SIGKILL), 0) << "the agent was to live on";
}

TEST_F(Command, ReadsNothing) {
    const auto result = shell("cat; echo end", kAmple);
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(result->reveal(), "end\n");
}

TEST_F(Command, IsSearchedInAbsoluteDirectoriesOfPathOnly) {
    write("bin/helper", "#!/bin/sh\necho x\n", 0700);
    write("bin/data", "x", 0600);
    environment_.variables["PATH"] = "bin::" + path("bin");
    EXPECT_EQ(find_program("helper", environment_), path("bin") + "/helper");
    EXPECT_EQ(find_program("data", environment_), std::nullopt);
    environment_.variables["PATH"] = "/nowhere";
    EXPECT_EQ(find_program("helper", environment_), std::nullopt);
}

}  // namespace
}  // namespace postrider::config
