#include "postrider/app/main.h"

#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "postrider/base/text.h"
#include "postrider/config/load.h"
#include "postrider/config/secrets.h"

#include "app/commands/command_line.h"
#include "app/commands/commands.h"
#include "app/commands/told.h"
#include "app/process/out_of_memory.h"
#include "app/process/privileges.h"

namespace postrider::app {

namespace {

/// What the process needs of the system before anything is opened: room for many connections, no
/// core that could hold a password, and no death by a closed pipe or a large file.
void prepare_process() {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    keep_to_itself();
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    // A limit on file sizes is then an I/O error like a full disk, and recovered from.
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
}

/// False, and told, if an account of the command line is not in the configuration.
bool has_accounts(const config::Config& config, const std::vector<std::string>& accounts) {
    std::vector<std::string> known;
    for (const config::AccountConfig& account : config.accounts) {
        known.push_back(account.name);
    }
    bool all = true;
    for (const std::string& account : accounts) {
        if (config.find_account(account) == nullptr) {
            const auto meant = nearest(account, known);
            tell(fmt::format("postrider: no account '{}' in the configuration{}", escaped(account),
                             meant ? "; did you mean '" + *meant + "'?" : ""));
            all = false;
        }
    }
    return all;
}

ExitCode run_check(const config::Config& config, const config::Environment& environment,
                   const std::string& file) {
    const std::vector<config::Problem> problems = config::check_files(config, environment);
    tell(problems);
    if (!problems.empty()) {
        return ExitCode::config;
    }
    tell(fmt::format("{}: good: {}, {}", file, counted(config.accounts.size(), "account"),
                     counted(config.destinations.size(), "destination")));
    return ExitCode::ok;
}

/// Of the commands that deliver; `held` asks for itself, where no daemon does it.
Expected<void> check_root(const config::Config& config, const CommandLine& line) {
    const bool delivers = line.command == Command::run || line.command == Command::once;
    return delivers ? check_not_root(config) : Expected<void>();
}

ExitCode run_command(const CommandLine& line) {
    const config::Environment environment = config::Environment::of_process();
    if (is_control(line.command)) {
        return run_control(environment, line);
    }
    config::LoadResult loaded = config::load(line.config_file, environment);
    if (!loaded.config) {
        for (const config::Problem& problem : loaded.problems) {
            tell_as_service(LogLevel::error, problem.to_text());
        }
        return ExitCode::config;
    }
    config::Config& config = *loaded.config;
    if (!has_accounts(config, line.accounts)) {
        return ExitCode::usage;
    }
    if (line.command == Command::check) {
        return run_check(config, environment, line.config_file);
    }
    if (const auto ready = become_user(config).and_then([&] { return check_root(config, line); });
        !ready) {
        tell_as_service(LogLevel::error, "postrider: " + ready.error().text);
        return ExitCode::config;
    }
    if (line.command == Command::run) {
        return run_daemon(std::move(config), environment, line);
    }
    if (line.command == Command::held) {
        return run_held(config, environment, line);
    }
    const std::vector<config::Problem> problems =
        config::resolve_secrets(config, environment, line.accounts);
    if (!problems.empty()) {
        tell(problems);
        return ExitCode::config;
    }
    return line.command == Command::plan ? run_plan(config, line) : run_once(config, line);
}

}  // namespace

int run(int argc, const char* const* argv) {
    std::set_new_handler(end_without_memory);
    const ParsedCommandLine parsed = parse_command_line(argc, argv);
    if (!parsed.command_line) {
        return static_cast<int>(parsed.exit_code);
    }
    prepare_process();
    try {
        return static_cast<int>(run_command(*parsed.command_line));
    } catch (const std::exception& error) {
        // Start-up of a library: nothing else throws out of a floor. What it lacks it rarely says.
        tell(fmt::format("postrider: cannot start: {} (short of memory, or of open files?)",
                         escaped(error.what())));
        return static_cast<int>(ExitCode::temporary);
    }
}

}  // namespace postrider::app
