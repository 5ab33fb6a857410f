#include "postrider/net/command_connector.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "net/command_stream.h"
#include "unit/net/net_test_base.h"

namespace postrider::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CommandConnectorTest : public NetTest {
  protected:
    /// Connects through a program.
    std::optional<Error> run(std::vector<std::string> argv) {
        connector = make_command_connector(
            *loop, *worker, {std::move(argv), {"A=1 2"}, [this](std::string_view line) {
                                 said.emplace_back(line);
                                 changed();
                             }});
        return connect(request);
    }
    std::optional<Error> run_script(const std::string& script) { return run({"sh", "-c", script}); }

    /// The number that a script writes first.
    pid_t told_process() {
        run_until([this] { return recorder.received.ends_with('\n'); });
        return std::stoi(recorder.received);
    }

    ConnectRequest request = {{"pop.example", 110, ""}, {}, std::nullopt, 5s};
    std::unique_ptr<event::Worker> worker = event::make_thread_worker(*loop, 1);
    std::vector<std::string> said;
};

TEST_F(CommandConnectorTest, ItsInputAndOutputAreTheConnection) {
    ASSERT_FALSE(run({"cat"}));
    const std::string much(1'000'000, 'x');
    stream->write(much);
    stream->write("end");
    run_until([&] { return recorder.received.size() == much.size() + 3; });
    EXPECT_EQ(recorder.received, much + "end");
    EXPECT_FALSE(stream->is_encrypted());
    EXPECT_TRUE(is_on_this_machine(stream->peer()));
}

//
TEST_F(CommandConnectorTest, ArgumentsPassNoShellAndTheEnvironmentIsAllThereIs) {
    ASSERT_FALSE(run({"printf", "%s\n", "$A; *"}));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "$A; *\n");
    ASSERT_FALSE(run_script("echo \"$A\" \"$HOME\" \"$PWD\""));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "1 2  /\n");
}

TEST_F(CommandConnectorTest, HowItEndedIsTold) {
    ASSERT_FALSE(run_script("echo +OK; echo first >&2; printf 'no \\033 route' >&2; exit 3"));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "+OK\n");
    EXPECT_EQ(recorder.ends, 1);
    EXPECT_EQ(recorder.closed->code, Errc::closed);
    EXPECT_THAT(recorder.closed->text,
                HasSubstr("(sh: the program ended with status 3; it said: no \\x1b route)"));
    EXPECT_THAT(said, ElementsAre("first", "no \x1b route"));
}

TEST_F(CommandConnectorTest, OneThatClosesAndStaysIsNotWaitedForLong) {
    ASSERT_FALSE(run_script("exec <&- >&-; exec sleep 1000"));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_THAT(recorder.closed->text, HasSubstr("the program still runs"));
}

TEST_F(CommandConnectorTest, WhatItSaysIsBounded) {
    ASSERT_FALSE(run_script("yes | head -n 100000 >&2; head -c 100000 /dev/zero | tr '\\0' z >&2"));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(said.size(), static_cast<std::size_t>(CommandStream::kMostLines));
    EXPECT_LT(recorder.closed->text.size(), 1000U);
    ASSERT_FALSE(run_script("head -c 513 /dev/zero | tr '\\0' z >&2"));
    said.clear();
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_THAT(said, ElementsAre(std::string(CommandStream::kLineLimit, 'z')));
}

TEST_F(CommandConnectorTest, AProgramThatIsNotThereIsNamed) {
    const auto error = run({"no-such-program", "x"});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::config);
    EXPECT_EQ(error->text, "no-such-program: there is no such program, or it cannot be run");
}

TEST_F(CommandConnectorTest, GoesWithTheStreamAndTakesAllThatItStartedAlong) {
    ASSERT_FALSE(run_script("trap '' TERM HUP; sleep 1000 & echo $!; wait"));
    const pid_t grandchild = told_process();
    ASSERT_EQ(::kill(grandchild, 0), 0);
    stream.reset();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "it was reaped";
    EXPECT_EQ(errno, ECHILD);
    // The grandchild is no child of ours: whoever inherited it may take a moment.
    for (int i = 0; i < 1000 && ::kill(grandchild, 0) == 0; ++i) {
        const std::string path = "/proc/" + std::to_string(grandchild) + "/stat";
        std::string stat(500, '\0');
        if (std::FILE* const file = std::fopen(path.c_str(), "r")) {
            stat.resize(std::fread(stat.data(), 1, stat.size(), file));
            std::fclose(file);
        }
        if (stat.find(") Z ") != std::string::npos) {
            return;
        }
        ::usleep(1000);
    }
    EXPECT_EQ(::kill(grandchild, 0), -1);
}

TEST_F(CommandConnectorTest, OneThatIsGivenUpWhileItStartsIsReaped) {
    connector = make_command_connector(*loop, *worker, {{"sleep", "1000"}, {}, {}});
    for (int i = 0; i < 20; ++i) {
        const auto operation =
            connector->connect(request, [](const auto&) { FAIL() << "it was given up"; });
        if (i % 2 == 0) {
            ::usleep(2000);
        }
    }
    turn_some();
    connector.reset();
    worker.reset();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

// P-029
TEST_F(CommandConnectorTest, TheDeadlineHoldsForTlsThroughIt) {
    request.tls.emplace();
    request.deadline = 300ms;
    const auto error = run({"sleep", "1000"});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::timed_out);
    EXPECT_EQ(error->text, "sleep: no connection within 300ms, in the TLS handshake");
}

TEST_F(CommandConnectorTest, AHandshakeThatFailsTellsHowItEnded) {
    request.tls.emplace();
    const auto error = run_script("echo 'connect failed' >&2; exit 1");
    ASSERT_TRUE(error);
    EXPECT_THAT(error->text, HasSubstr("pop.example:110: "));
    EXPECT_THAT(error->text, HasSubstr("ended with status 1; it said: connect failed"));
}

}  // namespace
}  // namespace postrider::net
