#include "app/process/sandbox.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "support/temp_dir.h"

namespace postrider::app {
namespace {

using ::testing::UnorderedElementsAre;

config::DestinationConfig maildir(const std::string& path) {
    config::DestinationConfig destination;
    destination.type = config::DestinationType::maildir;
    destination.path = *Pattern::parse(path, {"account"});
    return destination;
}

TEST(Sandbox, NamesTheDirectoriesThatAreWrittenTo) {
    const test::TempDir place;
    std::filesystem::create_directories(place / "mail/known");
    config::Config config;
    config.state_dir = place.path();
    config.control.socket = place / "run/control.sock";
    config.destinations["a"] = maildir(place / "mail/{account}");
    config.destinations["b"] = maildir(place / "mail/known");
    config.destinations["c"] = maildir(place / "mail/no/such/{account}/x");
    EXPECT_THAT(written_directories(config),
                UnorderedElementsAre(place.path(), place / "mail", place / "mail/known"));
}

TEST(Sandbox, KnowsWhereProgramsAreRun) {
    config::Config config;
    EXPECT_FALSE(runs_programs(config));
    config.alerts.command = {"x"};
    EXPECT_TRUE(runs_programs(config));
    config.alerts.command.clear();
    config.destinations["a"].type = config::DestinationType::command;
    EXPECT_TRUE(runs_programs(config));
    config.destinations.clear();
    config.accounts.emplace_back();
    EXPECT_FALSE(runs_programs(config));
    config.accounts.front().transport_command = {"ssh"};
    EXPECT_TRUE(runs_programs(config));
    config.accounts.front().transport_command.clear();
    config.accounts.front().token_source.emplace();
    EXPECT_FALSE(runs_programs(config));
    config.accounts.front().token_source->kind = config::PasswordSource::Kind::command;
    EXPECT_TRUE(runs_programs(config));
}

TEST(Sandbox, OffIsOff) {
    config::Config config;
    config.privileges.sandbox = false;
    const Sandbox sandbox = Sandbox::enter(config);
    EXPECT_TRUE(sandbox.conflicts(config).empty());
}

}  // namespace
}  // namespace postrider::app
