#include "app/commands/command_line.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

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
            const auto meant = nearest(word, {"once", "run", "check", "plan", "held", "status",
                                              "poll", "pause", "resume", "reload", "trace"});
            return meant && *meant != word ? "did you mean '" + *meant + "'?" : "";
        }
    }
    return "";
}

/// Refused with the reason, so that the whole line is.
std::string duration_fault(const std::string& text) {
    return parse_duration(text) ? "" : "'" + text + "' is no duration such as 30d or 12h";
}

void add_held_actions(CLI::App& held, CommandLine& line) {
    held.require_subcommand(1);
    const auto add = [&](const char* name, const char* text, HeldLine::Action action) {
        CLI::App* const one = held.add_subcommand(name, text);
        one->add_flag("--json", line.json, "Print JSON on standard output");
        one->callback([&line, action] { line.held.action = action; });
        one->fallthrough();
        return one;
    };
    std::vector<std::string>& ids = line.held.ids;
    const auto add_one_id = [&ids](CLI::App* command) {
        command
            ->add_option_function<std::string>(
                "ID", [&ids](const std::string& id) { ids = {id}; }, "The message")
            ->required();
    };
    add("list", "List the messages that are held", HeldLine::Action::list);
    CLI::App* const show =
        add("show", "Show one: envelope, reasons and header", HeldLine::Action::show);
    add_one_id(show);

    CLI::App* const retry = add("retry", "Deliver again what was refused", HeldLine::Action::retry);
    CLI::Option* const all = retry->add_flag("--all", line.held.all, "All of them");
    retry->add_option("ID", ids, "The messages")->excludes(all);
    retry->add_option("--to", line.held.to, "To this destination, not to the one that refused");
    retry->add_option("--for", line.held.recipients,
                      "To this address, where it is not known whom a message is for");

    CLI::App* const exported = add("export", "Write the message to standard output, or to a file",
                                   HeldLine::Action::export_one);
    add_one_id(exported);
    exported->add_option("TARGET", line.held.target, "A new file, or a directory for ID.eml");

    CLI::App* const drop = add("drop",
                               "Give messages up: the copy is gone for good, and the one "
                               "on the server is no longer kept for its sake",
                               HeldLine::Action::drop);
    drop->add_option("ID", ids, "The messages");
    drop->add_option_function<std::string>(
            "--older-than",
            [&line](const std::string& text) { line.held.older_than = parse_duration(text); },
            "All that have been held for longer")
        ->check(duration_fault);
    drop->add_flag("--yes", line.held.yes, "Do not ask");
}

/// What the library cannot say of `held`; empty if nothing is wrong.
std::string held_fault(const HeldLine& held, bool json) {
    switch (held.action) {
        case HeldLine::Action::retry:
            return held.ids.empty() && !held.all ? "held retry needs ID or --all" : "";
        case HeldLine::Action::drop:
            return held.ids.empty() == !held.older_than ? "held drop needs ID or --older-than" : "";
        case HeldLine::Action::export_one:
            return json && held.target.empty()
                       ? "held export --json needs a file or directory for the message"
                       : "";
        case HeldLine::Action::list:
        case HeldLine::Action::show:
            break;
    }
    return "";
}

ParsedCommandLine refuse(const std::string& fault) {
    std::cerr << "postrider: " << fault << "\npostrider: postrider --help lists the commands\n";
    return {std::nullopt, ExitCode::usage};
}

/// A command that talks to a running daemon.
CLI::App* add_control(CLI::App& app, CommandLine& line, const char* name, const char* what) {
    CLI::App* const command = app.add_subcommand(name, what);
    command->add_option("--socket", line.socket,
                        "Control socket of the daemon (default: that of the configuration)");
    command->fallthrough();
    return command;
}

/// One that wants accounts, or all of them.
void add_order(CLI::App& app, CommandLine& line, bool& is_for_all, const char* name,
               const char* what) {
    CLI::App* const command = add_control(app, line, name, what);
    CLI::Option* const accounts = command->add_option("ACCOUNT", line.accounts, "Accounts");
    CLI::Option* const all = command->add_flag("--all", is_for_all, "All accounts");
    accounts->excludes(all);
    command->callback([&line, &is_for_all] {
        if (line.accounts.empty() && !is_for_all) {
            throw CLI::RequiredError("ACCOUNT or --all");
        }
    });
}

void add_control_commands(CLI::App& app, CommandLine& line, bool& is_for_all) {
    CLI::App* const status =
        add_control(app, line, "status", "Show what a running daemon does, trouble first");
    status->add_option("ACCOUNT", line.accounts, "Everything about this one")->expected(0, 1);
    status->add_flag("--json", line.json, "Print JSON");
    status->add_flag("--watch", line.watch, "Again every second");
    add_order(app, line, is_for_all, "poll", "Have a running daemon poll now");
    add_order(app, line, is_for_all, "pause", "Have it poll no more, until resume or its end");
    add_order(app, line, is_for_all, "resume", "Have it poll again");
    add_control(app, line, "reload", "Have it read its configuration anew, and tell how that went");
    CLI::App* const trace =
        add_control(app, line, "trace", "Show what is said with a POP3 server, without secrets");
    trace->add_option("ACCOUNT", line.accounts, "Whose sessions")->required()->expected(1);
    trace->add_flag("--now", line.poll_now, "Have it polled now");
}

/// The command that was given.
Command command_of(const CLI::App& app) {
    constexpr std::array<std::pair<std::string_view, Command>, 11> kCommands{{
        {"once", Command::once},
        {"run", Command::run},
        {"check", Command::check},
        {"plan", Command::plan},
        {"held", Command::held},
        {"status", Command::status},
        {"poll", Command::poll},
        {"pause", Command::pause},
        {"resume", Command::resume},
        {"reload", Command::reload},
        {"trace", Command::trace},
    }};
    const std::string name = app.get_subcommands().front()->get_name();
    return std::find_if(kCommands.begin(), kCommands.end(),
                        [&name](const auto& known) { return known.first == name; })
        ->second;
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

    CLI::App* const held =
        app.add_subcommand("held", "Messages that a destination refused: look, retry, take out");
    add_held_actions(*held, line);
    for (CLI::App* const command : {once, run, check, plan, held}) {
        command->fallthrough();  // -c may stand behind the command, too
    }

    bool is_for_all = false;
    add_control_commands(app, line, is_for_all);

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
    line.command = command_of(app);
    if (line.command == Command::held) {
        if (const std::string fault = held_fault(line.held, line.json); !fault.empty()) {
            return refuse(fault);
        }
    }
    if (line.config_file.empty()) {
        line.config_file = default_config_file();
    }
    return {std::move(line), ExitCode::ok};
}

}  // namespace postrider::app
