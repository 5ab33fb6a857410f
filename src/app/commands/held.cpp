#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/file_handle.h"
#include "postrider/base/files.h"
#include "postrider/base/text.h"
#include "postrider/config/secrets.h"
#include "postrider/mail/header_scan.h"
#include "postrider/store/held_copies.h"

#include "app/assembly/assembly.h"
#include "app/commands/commands.h"
#include "app/commands/control_client.h"
#include "app/commands/held_view.h"
#include "app/commands/told.h"
#include "app/held/held_work.h"
#include "app/process/privileges.h"

namespace postrider::app {

namespace {

using store::HeldCopies;
using store::HeldCopy;

/// Of an order to a daemon: they fit into a request.
constexpr std::size_t kIdsInRequest = 500;

ExitCode tell_error(const Error& error) {
    tell("postrider: " + error.text);
    return exit_code_of(error);
}

/// Octets that are no UTF-8 are replaced: JSON has none.
void print(const nlohmann::json& json) {
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n"
              << std::flush;
}

nlohmann::json json_of(const store::HeldRefusal& refusal) {
    nlohmann::json recipients = nlohmann::json::array();
    for (const mail::Address& recipient : refusal.what.envelope.recipients) {
        recipients.push_back(recipient.text());
    }
    return {{"destination", refusal.what.destination},
            {"recipients", std::move(recipients)},
            {"held_at", iso8601(refusal.what.held_at)},
            {"retries", refusal.what.retries},
            {"reason", refusal.what.reason}};
}

nlohmann::json json_of(const HeldCopy& copy) {
    nlohmann::json object{{"id", copy.id}, {"size", copy.size}};
    object["refusals"] = nlohmann::json::array();
    for (const store::HeldRefusal& refusal : copy.refusals) {
        object["refusals"].push_back(json_of(refusal));
    }
    if (!copy.refusals.empty()) {
        const store::HeldMessage& first = copy.refusals.front().what;
        object["account"] = first.account;
        object["uid"] = escaped(first.uid, first.uid.size());
        object["sender"] = first.envelope.sender ? nlohmann::json(first.envelope.sender->text())
                                                 : nlohmann::json(nullptr);
    }
    return object;
}

nlohmann::json json_of(const HeldRemotely& message) {
    return {{"id", nullptr},
            {"account", message.account},
            {"uid", escaped(message.record.key.uid, message.record.key.uid.size())},
            {"size", message.record.listed_size},
            {"reason", message.record.note}};
}

/// What the ledger calls held without a copy. One account after the other: this is for looking.
Expected<std::vector<HeldRemotely>> held_remotely(const config::Config& config) {
    const std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    const auto ledger = store::open_ledger_read_only(*loop, config.state_dir, {});
    if (!ledger) {
        return failure(ledger.error());
    }
    std::vector<HeldRemotely> held;
    for (const config::AccountConfig& account : config.accounts) {
        Expected<store::AccountRecords> known;
        const auto operation =
            (*ledger)->load(account.name, [&](Expected<store::AccountRecords> loaded) {
                known = std::move(loaded);
                loop->stop();
            });
        loop->run();
        if (!known) {
            return failure(known.error());
        }
        for (store::MessageRecord& record : known->messages) {
            if (record.phase == store::Phase::held && !record.held_copy) {
                held.push_back({account.name, std::move(record)});
            }
        }
    }
    return held;
}

ExitCode list(const config::Config& config, const store::HeldListing& listing, bool as_json) {
    const auto remotely = held_remotely(config);
    if (!remotely) {
        return tell_error(remotely.error());
    }
    nlohmann::json all = nlohmann::json::array();
    for (const HeldCopy& copy : listing.copies) {
        as_json ? all.push_back(json_of(copy)) : tell(list_text(copy));
    }
    for (const HeldRemotely& message : *remotely) {
        as_json ? all.push_back(json_of(message)) : tell(list_text(message));
    }
    if (as_json) {
        print(all);
    } else if (listing.copies.empty() && remotely->empty()) {
        tell("nothing is held");
    }
    return ExitCode::ok;
}

ExitCode show(const HeldCopies& store, const HeldCopy& copy, bool as_json) {
    std::string head;
    const auto read = store.read(copy, [&head](std::string_view piece) -> Expected<void> {
        head +=
            piece.substr(0, mail::kHeaderScanLimit - std::min(head.size(), mail::kHeaderScanLimit));
        return {};
    });
    if (!read) {
        return tell_error(read.error());
    }
    if (as_json) {
        nlohmann::json object = json_of(copy);
        object["header"] = header_lines(head);
        print(object);
    } else {
        tell(show_text(copy, head));
    }
    return ExitCode::ok;
}

Expected<void> write_to(const HeldCopies& store, const HeldCopy& copy, int file,
                        const std::string& what) {
    return store.read(copy, [&](std::string_view piece) { return write_all(file, piece, what); });
}

/// A file of that name, or ID.eml in the directory of that name; never over what is there.
Expected<std::string> write_file(const HeldCopies& store, const HeldCopy& copy,
                                 const std::string& target) {
    struct stat status {};
    const bool is_directory = ::stat(target.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    const std::string path = is_directory ? target + "/" + copy.id + ".eml" : target;
    const std::string what = "cannot write " + escaped(path);
    const FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.is_open()) {
        return failure(file_error(what, errno));
    }
    auto written = write_to(store, copy, file.get(), what);
    if (written) {
        written = make_durable(file.get(), what);
    }
    if (!written) {
        ::unlink(path.c_str());
        return failure(written.error());
    }
    return path;
}

ExitCode export_one(const HeldCopies& store, const HeldCopy& copy, const CommandLine& line) {
    if (line.held.target.empty()) {
        const auto written =
            write_to(store, copy, STDOUT_FILENO, "cannot write to standard output");
        return written ? ExitCode::ok : tell_error(written.error());
    }
    const auto path = write_file(store, copy, line.held.target);
    if (!path) {
        return tell_error(path.error());
    }
    if (line.json) {
        print({{"id", copy.id}, {"file", *path}, {"size", copy.size}});
    } else {
        tell(fmt::format("{}: {} written to {}", copy.id, human_bytes(copy.size), escaped(*path)));
    }
    return ExitCode::ok;
}

bool is_confirmed(std::size_t count) {
    std::cerr << fmt::format("Give up {}, for good? [y/N] ", counted(count, "message"))
              << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

/// What is still held when the work is done is a matter for later.
ExitCode exit_code_of(HeldWork::Outcome outcome) {
    return outcome == HeldWork::Outcome::refused || outcome == HeldWork::Outcome::put_off
               ? ExitCode::temporary
               : ExitCode::ok;
}

/// Shows what comes of it, message by message.
class Results {
  public:
    explicit Results(bool as_json) : as_json_(as_json) {}

    void add(const HeldWork::Result& result) {
        exit_code_ = worse(exit_code_, exit_code_of(result.outcome));
        if (as_json_) {
            all_.push_back({{"id", result.id},
                            {"outcome", to_text(result.outcome)},
                            {"answer", result.answer}});
        } else {
            tell(fmt::format("{}: {}{}{}", result.id, to_text(result.outcome),
                             result.answer.empty() ? "" : ": ", result.answer));
        }
    }

    ExitCode end(const Expected<void>& done) {
        if (as_json_) {
            print(all_);
        }
        return done ? exit_code_ : worse(exit_code_, tell_error(done.error()));
    }

  private:
    bool as_json_;
    nlohmann::json all_ = nlohmann::json::array();
    ExitCode exit_code_ = ExitCode::ok;
};

/// The messages that are meant, if they are to be worked on; otherwise, told, the exit code.
tl::expected<std::vector<HeldCopy>, ExitCode> choose(const HeldCopies& copies,
                                                     const HeldLine& line) {
    const auto listing = copies.list();
    if (!listing) {
        return tl::unexpected(tell_error(listing.error()));
    }
    auto meant =
        chosen(listing->copies, line,
               std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now()));
    if (!meant) {
        tell("postrider: " + meant.error().text);
        return tl::unexpected(ExitCode::usage);
    }
    if (line.action == HeldLine::Action::drop && !line.yes && !meant->empty() &&
        !is_confirmed(meant->size())) {
        tell("nothing was dropped");
        return tl::unexpected(ExitCode::ok);
    }
    return *std::move(meant);
}

/// The daemon has the ledger and the lock: it does the work.
ExitCode work_by_daemon(ControlClient& daemon, const config::Config& config,
                        const CommandLine& line) {
    const auto meant = choose(HeldCopies(config.state_dir), line.held);
    if (!meant) {
        return meant.error();
    }
    Results results(line.json);
    Expected<void> done;
    for (auto next = meant->begin(); done && next != meant->end();) {
        nlohmann::json request{
            {"command", "held"},
            {"action", line.held.action == HeldLine::Action::drop ? "drop" : "retry"},
            {"ids", nlohmann::json::array()}};
        if (!line.held.to.empty()) {
            request["to"] = line.held.to;
        }
        if (!line.held.recipients.empty()) {
            request["for"] = line.held.recipients;
        }
        for (std::size_t i = 0; i < kIdsInRequest && next != meant->end(); ++i, ++next) {
            request["ids"].push_back(next->id);
        }
        done = daemon.ask(request, [&results](const nlohmann::json& answer) {
            const auto held = answer.find("held");
            if (held != answer.end() && held->is_object()) {
                results.add(
                    {held->value("id", ""),
                     held_outcome(held->value("outcome", "")).value_or(HeldWork::Outcome::put_off),
                     held->value("answer", "")});
            }
            return true;
        });
    }
    if (!done && done.error().code == Errc::unsupported) {
        tell_error(done.error());
        return worse(results.end({}), ExitCode::usage);
    }
    return results.end(done);
}

/// Retries or drops with everything that a poll has, too.
class HeldSession {
  public:
    HeldSession(event::Loop& loop, Assembly& assembly, HeldCopies copies, bool as_json)
        : loop_(loop),
          assembly_(assembly),
          worker_(event::make_thread_worker(loop, 1)),
          results_(as_json),
          work_(
              {loop,
               *worker_,
               assembly.services().ledger,
               std::move(copies),
               {assembly.state().spool_path()}},
              [this](const HeldWork::Result& result) { results_.add(result); },
              [this](const Expected<void>& done) {
                  done_ = done;
                  loop_.stop();
              }) {}

    ExitCode run(std::vector<HeldCopy> chosen, const HeldLine& line, HeldWork::Other other) {
        if (line.action == HeldLine::Action::drop) {
            work_.drop(std::move(chosen));
        } else {
            work_.retry(
                std::move(chosen), [this](const std::string& name) { return assembly_.sink(name); },
                std::move(other));
        }
        loop_.run();
        return results_.end(done_);
    }

  private:
    event::Loop& loop_;
    Assembly& assembly_;
    std::unique_ptr<event::Worker> worker_;
    Results results_;
    Expected<void> done_;
    HeldWork work_;
};

ExitCode work(config::Config& config, const config::Environment& environment,
              const CommandLine& line) {
    const HeldLine& held = line.held;
    HeldWork::Other other{held.to, {}};
    for (const std::string& text : held.recipients) {
        auto recipient = mail::Address::parse(text);
        if (!recipient) {
            tell("postrider: --for: " + recipient.error().text);
            return ExitCode::usage;
        }
        other.recipients.push_back(*std::move(recipient));
    }
    if (!held.to.empty() && config.destinations.count(held.to) == 0) {
        tell("postrider: no destination '" + escaped(held.to) + "' in the configuration");
        return ExitCode::usage;
    }
    Expected<ControlClient> daemon = ControlClient::connect(config.control.socket);
    if (daemon) {
        return work_by_daemon(*daemon, config, line);
    }
    if (daemon.error().code == Errc::refused) {
        return tell_error(daemon.error());
    }
    if (const auto allowed = check_not_root(config); !allowed) {
        tell("postrider: " + allowed.error().text);
        return ExitCode::config;
    }
    const std::vector<config::Problem> problems =
        config::resolve_destination_secrets(config, environment);
    if (!problems.empty()) {
        tell(problems);
        return ExitCode::config;
    }
    const std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    const auto assembly = Assembly::make(*loop, config, {}, make_command_log(config.log));
    if (!assembly) {
        return assembly.error().code == Errc::locked
                   ? tell_error(Error{Errc::locked, Retry::later,
                                      assembly.error().text + ", and no daemon answers at " +
                                          config.control.socket +
                                          ": what is held can be looked at, but not retried or "
                                          "dropped before that process has ended"})
                   : tell_error(assembly.error());
    }
    // Under the lock, nobody changes what was chosen.
    HeldCopies copies(config.state_dir);
    auto meant = choose(copies, held);
    return meant ? HeldSession(*loop, **assembly, std::move(copies), line.json)
                       .run(*std::move(meant), held, std::move(other))
                 : meant.error();
}

}  // namespace

ExitCode run_held(config::Config& config, const config::Environment& environment,
                  const CommandLine& line) {
    const HeldLine::Action action = line.held.action;
    if (action == HeldLine::Action::drop && !line.held.yes && isatty(STDIN_FILENO) != 1) {
        tell("postrider: held drop gives mail up for good: say --yes");
        return ExitCode::usage;
    }
    if (action == HeldLine::Action::retry || action == HeldLine::Action::drop) {
        return work(config, environment, line);
    }
    const HeldCopies copies(config.state_dir);
    const auto listing = copies.list();
    if (!listing) {
        return tell_error(listing.error());
    }
    for (const std::string& fault : listing->faults) {
        tell("postrider: warning: " + fault);
    }
    if (action == HeldLine::Action::list) {
        return list(config, *listing, line.json);
    }
    const auto meant = chosen(listing->copies, line.held, WallTime());
    if (!meant) {
        tell("postrider: " + meant.error().text);
        return ExitCode::usage;
    }
    return action == HeldLine::Action::show ? show(copies, meant->front(), line.json)
                                            : export_one(copies, meant->front(), line);
}

}  // namespace postrider::app
