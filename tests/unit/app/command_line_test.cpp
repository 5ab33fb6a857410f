#include "app/commands/command_line.h"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using Words = std::vector<std::string>;

struct Outcome {
    ParsedCommandLine parsed;
    std::string out;
    std::string err;
};

Outcome parse(const Words& words) {
    std::vector<const char*> argv{"postrider"};
    for (const std::string& word : words) {
        argv.push_back(word.c_str());
    }
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome{parse_command_line(static_cast<int>(argv.size()), argv.data()), "", ""};
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
}

/// Of a command line that is right.
CommandLine taken(const Words& words) {
    const Outcome outcome = parse(words);
    EXPECT_EQ(outcome.out + outcome.err, "");
    EXPECT_TRUE(outcome.parsed.command_line);
    return outcome.parsed.command_line.value_or(CommandLine());
}

/// What standard error says to a command line that is wrong.
std::string refused(const Words& words) {
    const Outcome outcome = parse(words);
    EXPECT_FALSE(outcome.parsed.command_line);
    EXPECT_EQ(outcome.parsed.exit_code, ExitCode::usage);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find("postrider --help"), std::string::npos);
    return outcome.err;
}

TEST(CommandLine, KnowsItsCommands) {
    EXPECT_EQ(taken({"once"}).command, Command::once);
    EXPECT_EQ(taken({"run"}).command, Command::run);
    EXPECT_EQ(taken({"check"}).command, Command::check);
    EXPECT_EQ(taken({"plan"}).command, Command::plan);
    EXPECT_TRUE(taken({"once"}).accounts.empty());
    EXPECT_NE(taken({"once"}).config_file, "");
}

TEST(CommandLine, KnowsTheCommandsForARunningDaemon) {
    EXPECT_EQ(taken({"status"}).command, Command::status);
    const CommandLine status = taken({"status", "alice", "--json", "--watch", "--socket", "/s"});
    EXPECT_EQ(status.accounts, Words{"alice"});
    EXPECT_TRUE(status.json && status.watch);
    EXPECT_EQ(status.socket, "/s");
    EXPECT_EQ(taken({"poll", "a", "b"}).accounts, (Words{"a", "b"}));
    EXPECT_EQ(taken({"pause", "--all"}).command, Command::pause);
    EXPECT_TRUE(taken({"resume", "--all"}).accounts.empty());
    EXPECT_EQ(taken({"reload", "-c", "x.yaml"}).config_file, "x.yaml");
    const CommandLine trace = taken({"trace", "--now", "alice"});
    EXPECT_EQ(trace.command, Command::trace);
    EXPECT_TRUE(trace.poll_now);
}

TEST(CommandLine, OrdersWantAnAccountOrAll) {
    for (const char* const command : {"poll", "pause", "resume"}) {
        EXPECT_NE(refused({command}).find("ACCOUNT or --all"), std::string::npos);
        refused({command, "a", "--all"});
    }
    refused({"trace"});
    refused({"trace", "a", "b"});
    refused({"status", "a", "b"});
    refused({"reload", "a"});
}

TEST(CommandLine, TakesAccounts) {
    EXPECT_EQ(taken({"once", "a", "b"}).accounts, (Words{"a", "b"}));
    EXPECT_EQ(taken({"plan", "a"}).accounts, Words{"a"});
    EXPECT_EQ(taken({"once", "check"}).accounts, Words{"check"});
}

TEST(CommandLine, TheConfigurationFileMayStandOnEitherSideOfTheCommand) {
    EXPECT_EQ(taken({"-c", "x.yaml", "check"}).config_file, "x.yaml");
    EXPECT_EQ(taken({"check", "-c", "x.yaml"}).config_file, "x.yaml");
    EXPECT_EQ(taken({"check", "--config=x.yaml"}).config_file, "x.yaml");
    const CommandLine line = taken({"once", "a", "-c", "x.yaml", "b"});
    EXPECT_EQ(line.config_file, "x.yaml");
    EXPECT_EQ(line.accounts, (Words{"a", "b"}));
}

TEST(CommandLine, FlagsBelongToTheirCommands) {
    EXPECT_TRUE(taken({"plan", "--json"}).json);
    EXPECT_TRUE(taken({"once", "--accept-state-loss"}).accept_state_loss);
    EXPECT_TRUE(taken({"once", "--accept-new-uids"}).accept_new_uids);
    const CommandLine plain = taken({"once"});
    EXPECT_FALSE(plain.json || plain.accept_state_loss || plain.accept_new_uids);
    refused({"check", "--json"});
    refused({"plan", "--accept-state-loss"});
}

TEST(CommandLine, HeldHasItsOwnCommands) {
    using Action = HeldLine::Action;
    EXPECT_EQ(taken({"held", "list"}).command, Command::held);
    EXPECT_EQ(taken({"held", "list", "--json"}).held.action, Action::list);
    EXPECT_TRUE(taken({"held", "list", "--json"}).json);
    EXPECT_EQ(taken({"held", "show", "abcd", "-c", "x.yaml"}).held.ids, Words{"abcd"});
    const CommandLine retry = taken({"-c", "x", "held", "retry", "abcd", "ef01", "--to", "other"});
    EXPECT_EQ(retry.held.action, Action::retry);
    EXPECT_EQ(retry.held.ids, (Words{"abcd", "ef01"}));
    EXPECT_EQ(retry.held.to, "other");
    EXPECT_TRUE(taken({"held", "retry", "--all"}).held.all);
    const CommandLine exported = taken({"held", "export", "abcd", "file"});
    EXPECT_EQ(exported.held.action, Action::export_one);
    EXPECT_EQ(exported.held.target, "file");
    EXPECT_TRUE(taken({"held", "drop", "abcd", "--yes"}).held.yes);
    EXPECT_EQ(taken({"held", "drop", "--older-than", "30d"}).held.older_than,
              std::chrono::hours(24 * 30));
}

TEST(CommandLine, HeldNeedsToKnowWhatIsMeant) {
    refused({"held"});
    refused({"held", "show"});
    refused({"held", "retry"});
    refused({"held", "retry", "abcd", "--all"});
    refused({"held", "drop"});
    refused({"held", "drop", "abcd", "--older-than", "30d"});
    refused({"held", "drop", "--older-than", "soon"});
    refused({"held", "export"});
    refused({"held", "export", "abcd", "--json"});
    refused({"held", "list", "--yes"});
}

TEST(CommandLine, AnUnknownCommandIsAnsweredWithTheNearest) {
    EXPECT_NE(refused({"onec"}).find("did you mean 'once'?"), std::string::npos);
    EXPECT_NE(refused({"-c", "plane.yaml", "chek"}).find("did you mean 'check'?"),
              std::string::npos);
    EXPECT_EQ(refused({"frobnicate"}).find("did you mean"), std::string::npos);
}

TEST(CommandLine, ARightCommandIsNotCorrectedForAWrongOption) {
    const std::string told = refused({"once", "--jsno"});
    EXPECT_NE(told.find("--jsno"), std::string::npos);
    EXPECT_EQ(told.find("did you mean"), std::string::npos);
}

TEST(CommandLine, AMissingCommandIsAUsageError) {
    refused({});
    refused({"-c", "x.yaml"});
    refused({"check", "-c"});
}

TEST(CommandLine, HelpAndVersionGoToStandardOutput) {
    const Outcome version = parse({"--version"});
    EXPECT_FALSE(version.parsed.command_line);
    EXPECT_EQ(version.parsed.exit_code, ExitCode::ok);
    EXPECT_TRUE(version.out.starts_with("postrider ")) << version.out;
    EXPECT_EQ(version.err, "");
    for (const Words& words : {Words{"--help"}, Words{"once", "--help"}}) {
        const Outcome help = parse(words);
        EXPECT_EQ(help.parsed.exit_code, ExitCode::ok);
        EXPECT_FALSE(help.parsed.command_line);
        EXPECT_NE(help.out.find("postrider"), std::string::npos);
        EXPECT_EQ(help.err, "");
    }
}

}  // namespace
}  // namespace postrider::app
