#include <algorithm>
#include <iostream>
#include <list>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "postrider/base/text.h"
#include "postrider/engine/preview.h"
#include "postrider/event/worker.h"
#include "postrider/source/pop3_source.h"

#include "app/assembly/assembly.h"
#include "app/assembly/settings.h"
#include "app/assembly/tunnel.h"
#include "app/commands/commands.h"
#include "app/commands/told.h"

namespace postrider::app {

namespace {

using engine::Job;
using engine::PreviewResult;

void tell_jobs(const char* what, const std::vector<Job>& jobs) {
    for (const Job& job : jobs) {
        tell(fmt::format("  {} message {} uid {} ({})", what, job.remote.number,
                         escaped(job.remote.uid), human_bytes(job.remote.size)));
    }
}

void tell_preview(const std::string& account, const PreviewResult& result) {
    const engine::Plan& plan = result.plan;
    tell(fmt::format("{}: {} listed: {} to fetch, {} to delete, {} kept, {} held", account,
                     counted(result.listed, "message"), plan.fetch.size(), result.remove.size(),
                     plan.kept - std::min(plan.kept, result.remove.size()), plan.held));
    tell_jobs("fetch ", plan.fetch);
    tell_jobs("delete", result.remove);
    if (plan.doubt) {
        tell(account + ": stopped: " + plan.doubt->text);
    }
}

nlohmann::json json_of(const std::vector<Job>& jobs) {
    nlohmann::json array = nlohmann::json::array();
    for (const Job& job : jobs) {
        array.push_back({{"number", job.remote.number},
                         {"uid", escaped(job.remote.uid, job.remote.uid.size())},
                         {"size", job.remote.size}});
    }
    return array;
}

nlohmann::json json_of(const std::string& account, const Expected<PreviewResult>& result) {
    nlohmann::json object{{"account", account}};
    if (!result) {
        object["error"] = result.error().text;
        return object;
    }
    object["listed"] = result->listed;
    object["fetch"] = json_of(result->plan.fetch);
    object["delete"] = json_of(result->remove);
    object["kept"] = result->plan.kept;
    object["held"] = result->plan.held;
    object["skipped"] = result->plan.skipped;
    object["oversize"] = result->plan.oversize;
    object["left"] = result->plan.left;
    if (result->plan.doubt) {
        object["error"] = result->plan.doubt->text;
    }
    return object;
}

/// All previews run at the same time; they change nothing that one could spoil for another.
class Previews {
  public:
    Previews(event::Loop& loop, event::Worker& worker, net::Connector& connector,
             store::Ledger& ledger)
        : loop_(loop), worker_(worker), connector_(connector), ledger_(ledger) {}

    void add(const config::AccountConfig& account) {
        One& one = all_.emplace_back();
        one.account = account.name;
        one.source =
            make_account_source({loop_, worker_, connector_}, account, pop3_settings(account, {}));
        one.operation = engine::preview(loop_, ledger_, *one.source, account_policy(account),
                                        [this, &one](Expected<PreviewResult> result) {
                                            one.result = std::move(result);
                                            if (++finished_ == all_.size()) {
                                                loop_.stop();
                                            }
                                        });
    }

    ExitCode run(bool as_json) {
        if (!all_.empty()) {
            loop_.run();
        }
        ExitCode code = ExitCode::ok;
        nlohmann::json accounts = nlohmann::json::array();
        for (const One& one : all_) {
            if (as_json) {
                accounts.push_back(json_of(one.account, one.result));
            } else if (one.result) {
                tell_preview(one.account, *one.result);
            } else {
                tell(one.account + ": failed: " + one.result.error().text);
            }
            const Error* const error = !one.result              ? &one.result.error()
                                       : one.result->plan.doubt ? &*one.result->plan.doubt
                                                                : nullptr;
            if (error != nullptr) {
                code = worse(code, exit_code_of(*error));
            }
        }
        if (as_json) {
            std::cout << accounts.dump(2) << "\n" << std::flush;
        }
        return code;
    }

  private:
    struct One {
        std::string account;
        std::unique_ptr<source::SourceFactory> source;
        std::unique_ptr<event::Operation> operation;
        Expected<PreviewResult> result;
    };

    event::Loop& loop_;
    event::Worker& worker_;
    net::Connector& connector_;
    store::Ledger& ledger_;
    std::list<One> all_;  // callbacks hold references
    std::size_t finished_ = 0;
};

}  // namespace

ExitCode run_plan(const config::Config& config, const CommandLine& line) {
    const std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    const auto ledger = store::open_ledger_read_only(*loop, config.state_dir, {});
    if (!ledger) {
        tell("postrider: " + ledger.error().text);
        return exit_code_of(ledger.error());
    }
    const std::unique_ptr<net::Connector> connector = net::make_connector(*loop);
    const std::unique_ptr<event::Worker> worker = event::make_thread_worker(*loop, kLoginThreads);
    Previews previews(*loop, *worker, *connector, **ledger);
    for (const config::AccountConfig& account : config.accounts) {
        if (line.accounts.empty() || std::find(line.accounts.begin(), line.accounts.end(),
                                               account.name) != line.accounts.end()) {
            previews.add(account);
        }
    }
    return previews.run(line.json);
}

}  // namespace postrider::app
