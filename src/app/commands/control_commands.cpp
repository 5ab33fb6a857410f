// The commands that talk to a running daemon: what they print is what was asked for, and goes to
// standard output.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "postrider/config/load.h"

#include "app/commands/commands.h"
#include "app/commands/control_client.h"
#include "app/commands/status_view.h"
#include "app/commands/told.h"

namespace postrider::app {

namespace {

using nlohmann::json;

constexpr auto kWatchEvery = std::chrono::seconds(1);

/// Told, and as exit code.
ExitCode failed(const Error& error) {
    tell("postrider: " + error.text);
    if (error.code == Errc::unsupported) {
        return ExitCode::usage;
    }
    return error.code == Errc::refused ? ExitCode::login_refused : exit_code_of(error);
}

Expected<void> ask(const std::string& socket, const json& request,
                   const ControlClient::OnLine& on_line) {
    Expected<ControlClient> client = ControlClient::connect(socket);
    if (!client) {
        return failure(client.error());
    }
    return client->ask(request, on_line);
}

json request_of(const char* command, const std::string& account) {
    json request{{"command", command}};
    if (!account.empty()) {
        request["account"] = account;
    }
    return request;
}

Expected<json> fetch_status(const std::string& socket, const std::string& account) {
    json report{
        {"daemon", json::object()}, {"destinations", json::array()}, {"accounts", json::array()}};
    const Expected<void> asked =
        ask(socket, request_of("status", account), [&report](const json& line) {
            if (line.contains("daemon")) {
                report["daemon"] = line["daemon"];
            } else if (line.contains("destination")) {
                report["destinations"].push_back(line["destination"]);
            } else if (line.contains("account")) {
                report["accounts"].push_back(line["account"]);
            }
            return true;
        });
    if (!asked) {
        return failure(asked.error());
    }
    return report;
}

Look look_of_terminal() {
    Look look;
    look.now = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
    winsize size{};
    if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        look.columns = size.ws_col > 0 ? size.ws_col : 80U;
        look.rows = size.ws_row;
        const char* const no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
        look.has_colours = no_colour == nullptr || *no_colour == '\0';
    }
    return look;
}

std::string rendered(const json& report, const CommandLine& line) {
    if (line.json) {
        return report.dump(line.watch ? -1 : 2) + "\n";
    }
    Look look = look_of_terminal();
    if (!line.accounts.empty()) {
        return status_details(report, look);
    }
    look.rows = line.watch && look.rows > 0 ? look.rows - 1 : 0;
    return status_table(report, look);
}

ExitCode status(const std::string& socket, const CommandLine& line) {
    const std::string account = line.accounts.empty() ? "" : line.accounts.front();
    const bool is_terminal = isatty(STDOUT_FILENO) == 1;
    while (true) {
        const Expected<json> report = fetch_status(socket, account);
        if (!report) {
            return failed(report.error());
        }
        if (line.watch && is_terminal && !line.json) {
            std::cout << "\x1b[H\x1b[J";  // home, erase to the end (ECMA-48 CUP, ED)
        }
        std::cout << rendered(*report, line) << std::flush;
        if (!line.watch || !std::cout) {
            return ExitCode::ok;
        }
        std::this_thread::sleep_for(kWatchEvery);
    }
}

/// Does the same with each of the accounts, or with all.
ExitCode order(const char* command, const std::string& socket, const CommandLine& line) {
    ExitCode code = ExitCode::ok;
    const std::vector<std::string> all{""};
    for (const std::string& account : line.accounts.empty() ? all : line.accounts) {
        const Expected<void> asked =
            ask(socket, request_of(command, account), [](const json& /*line*/) { return true; });
        if (!asked) {
            code = worse(code, failed(asked.error()));
        }
    }
    return code;
}

ExitCode reload(const std::string& socket) {
    bool is_good = true;
    const Expected<void> asked =
        ask(socket, request_of("reload", ""), [&is_good](const json& line) {
            if (line.contains("problem")) {
                is_good = false;
                tell(line.value("problem", ""));
            } else {
                tell(line.value("summary", ""));
            }
            return true;
        });
    if (!asked) {
        return failed(asked.error());
    }
    return is_good ? ExitCode::ok : ExitCode::config;
}

void print_traced(const json& line) {
    if (line.contains("line")) {
        const std::string from = line.value("from", "");
        const std::string destination = line.value("destination", "");
        std::cout << fmt::format("{} {}{}{} {}\n", line.value("at", ""), destination,
                                 destination.empty() ? "" : " ",
                                 from == "client"   ? "C:"
                                 : from == "server" ? "S:"
                                                    : "--",
                                 line.value("line", ""));
    } else if (line.contains("left_out")) {
        std::cout << fmt::format("-- {} lines are left out: read faster\n",
                                 line.value("left_out", 0U));
    }
    std::cout << std::flush;
}

ExitCode trace(const std::string& socket, const CommandLine& line) {
    const std::string& account = line.accounts.front();
    const Expected<void> asked = ask(socket, request_of("trace", account), [&](const json& answer) {
        if (answer.contains("tracing")) {
            tell("tracing " + account + "; end with Ctrl-C");
            if (line.poll_now) {
                static_cast<void>(order("poll", socket, line));
            }
        }
        print_traced(answer);
        return static_cast<bool>(std::cout);  // somebody reads it
    });
    return asked ? ExitCode::ok : failed(asked.error());
}

}  // namespace

bool is_control(Command command) {
    return command >= Command::status;
}

ExitCode run_control(const config::Environment& environment, const CommandLine& line) {
    const Expected<std::string> socket = line.socket.empty()
                                             ? config::control_socket(line.config_file, environment)
                                             : Expected<std::string>(line.socket);
    if (!socket) {
        return failed(socket.error());
    }
    if (line.command == Command::status) {
        return status(*socket, line);
    }
    if (line.command == Command::reload) {
        return reload(*socket);
    }
    if (line.command == Command::trace) {
        return trace(*socket, line);
    }
    return order(line.command == Command::poll    ? "poll"
                 : line.command == Command::pause ? "pause"
                                                  : "resume",
                 *socket, line);
}

}  // namespace postrider::app
