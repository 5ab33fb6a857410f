#include "app/command_line.h"

#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "postrider/base/text.h"

namespace postrider::app {

namespace {

constexpr const char* kSystemConfig = "/etc/postrider/postrider.yaml";

/// /etc for everybody, else the user's own.
std::string default_config_file() {
    const char* const home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): one thread yet
    if (access(kSystemConfig, F_OK) != 0 && home != nullptr) {
        std::string own = std::string(home) + "/.config/postrider/postrider.yaml";
        if (access(own.c_str(), F_OK) == 0) {
            return own;
        }
    }
    return kSystemConfig;
}

/// A word that is no command, and the one that was probably meant.
std::string advice_for(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "-c" || word == "--config") {
            ++i;
        } else if (!word.empty() && word.front() != '-') {
            const auto meant = nearest(word, {"once", "run", "check", "plan"});
            return meant && *meant != word ? "did you mean '" + *meant + "'?" : "";
        }
    }
    return "";
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine line;
    CLI::App app{"postrider fetches mail from POP3 mailboxes and hands it to the local mail system",
                 "postrider"};
    app.set_version_flag("--version", std::string("postrider ") + POSTRIDER_VERSION);
    app.add_option("-c,--config", line.config_file,
                   "Configuration file (default: " + std::string(kSystemConfig) +
                       ", else ~/.config/postrider/postrider.yaml)");
    app.require_subcommand(1);
    app.failure_message([](const CLI::App* /*app*/, const CLI::Error& error) {
        return "postrider: " + std::string(error.what()) + "\n";
    });

    CLI::App* const once = app.add_subcommand("once", "Poll now, exit when done");
    once->add_option("ACCOUNT", line.accounts, "Accounts to poll (default: all)");
    once->add_flag("--accept-state-loss", line.accept_state_loss,
                   "Go on although the ledger is lost, foreign or older than it was");
    once->add_flag("--accept-new-uids", line.accept_new_uids,
                   "Fetch a mailbox whose messages all have new names as new mail");

    CLI::App* const run = app.add_subcommand(
        "run", "Poll all accounts again and again, in the foreground, until a signal ends it");
    run->add_flag("--accept-state-loss", line.accept_state_loss,
                  "Go on although the ledger is lost, foreign or older than it was");

    CLI::App* const check =
        app.add_subcommand("check", "Check the configuration, telling every fault at once");

    CLI::App* const plan =
        app.add_subcommand("plan", "Show what a poll would fetch and delete, touching nothing");
    plan->add_option("ACCOUNT", line.accounts, "Accounts to look at (default: all)");
    plan->add_flag("--json", line.json, "Print JSON on standard output");
    for (CLI::App* const command : {once, run, check, plan}) {
        command->fallthrough();  // -c may stand behind the command, too
    }

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked_for_text) {
        app.exit(asked_for_text);
        return {std::nullopt, ExitCode::ok};
    } catch (const CLI::ParseError& error) {
        app.exit(error, std::cout, std::cerr);
        const std::string advice = advice_for(argc, argv);
        std::cerr << "postrider: " << (advice.empty() ? "" : advice + " ")
                  << "postrider --help lists the commands\n";
        return {std::nullopt, ExitCode::usage};
    }
    line.command = check->parsed()  ? Command::check
                   : plan->parsed() ? Command::plan
                   : run->parsed()  ? Command::run
                                    : Command::once;
    if (line.config_file.empty()) {
        line.config_file = default_config_file();
    }
    return {std::move(line), ExitCode::ok};
}

}  // namespace postrider::app
