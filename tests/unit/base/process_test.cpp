#include "postrider/base/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postrider {
namespace {

/// What a shell script writes to its standard output, and then how it ended.
std::string outcome_of(const std::string& script, SpawnRequest request = {}) {
    Pipe out = Pipe::make().value();
    request.program = "/bin/sh";
    request.argv = {"sh", "-c", script};
    request.out = out.writing.get();
    const pid_t pid = spawn(request).value();
    out.writing = FileHandle();
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    std::string text(4096, '\0');
    text.resize(static_cast<std::size_t>(
        std::max<ssize_t>(0, ::read(out.reading.get(), text.data(), text.size()))));
    return text + end_in_words(status);
}

TEST(Process, GetsTheEnvironmentAndNothingElseOfOurs) {
    ASSERT_EQ(::setenv("POSTRIDER_CANARY", "x", 1), 0);
    SpawnRequest request;
    request.environment = {"A=1 2"};
    EXPECT_EQ(outcome_of("echo \"$A-$POSTRIDER_CANARY\"", request), "1 2-\n");
    const Pipe stray = Pipe::make().value();
    const int inheritable = ::dup(stray.writing.get());
    EXPECT_EQ(outcome_of("for f in /proc/self/fd/*; do echo \"${f##*/}\"; done"), "0\n1\n2\n3\n")
        << "3 is the directory that is listed";
    ::close(inheritable);
}

TEST(Process, StartsWhereItIsToldInAGroupOfItsOwn) {
    SpawnRequest request;
    request.directory = "/";
    EXPECT_EQ(outcome_of("pwd", request), "/\n");
    EXPECT_EQ(outcome_of("read -r _ _ _ _ group _ < /proc/$$/stat; test $group = $$"), "");
    EXPECT_EQ(outcome_of("cat"), "") << "nothing to read";
}

TEST(Process, TellsHowItEnded) {
    EXPECT_EQ(outcome_of("exit 0"), "");
    EXPECT_EQ(outcome_of("exit 67"), "ended with status 67");
    EXPECT_EQ(outcome_of("kill -9 $$"), "was ended by signal 9");
}

TEST(Process, CannotStartWhatIsNoProgram) {
    SpawnRequest request;
    request.program = "/no/such/program";
    request.argv = {"x"};
    const auto pid = spawn(request);
    ASSERT_FALSE(pid);
    EXPECT_EQ(pid.error().text, "cannot be started: No such file or directory");
}

TEST(Process, ProgramsAreSearchedInAbsoluteDirectoriesOnly) {
    EXPECT_EQ(find_program("sh", "/nowhere:/bin"), "/bin/sh");
    EXPECT_EQ(find_program("/bin/sh", ""), "/bin/sh");
    EXPECT_EQ(find_program("sh", "bin::."), std::nullopt);
    EXPECT_EQ(find_program("passwd", "/etc"), std::nullopt) << "not executable";
    EXPECT_EQ(find_program("/bin", "/"), std::nullopt) << "a directory";
}

}  // namespace
}  // namespace postrider
