#include "app/assembly/assembly.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <unistd.h>

#include "postrider/base/files.h"
#include "postrider/store/maildir_held_store.h"

#include "app/assembly/changes.h"
#include "app/assembly/settings.h"
#include "app/assembly/tunnel.h"

namespace postrider::app {

namespace {

/// For fsync of held copies; the ledger has its own threads.
constexpr std::size_t kWorkerThreads = 2;

}  // namespace

Expected<std::unique_ptr<Assembly>> Assembly::make(event::Loop& loop, const config::Config& config,
                                                   const store::LedgerOptions& options,
                                                   std::unique_ptr<Log> log) {
    Expected<store::StateDir> state = store::StateDir::open(config.state_dir);
    if (!state) {
        return failure(state.error());
    }
    std::unique_ptr<Assembly> assembly(new Assembly(std::move(*state)));
    Expected<std::unique_ptr<store::Ledger>> ledger =
        store::open_ledger(loop, assembly->state_, options);
    if (!ledger) {
        return failure(ledger.error());
    }
    assembly->ledger_ = std::make_unique<TimedLedger>(loop, std::move(*ledger));
    assembly->worker_ = event::make_thread_worker(loop, kWorkerThreads);
    assembly->login_worker_ = event::make_thread_worker(loop, kLoginThreads);
    Expected<std::unique_ptr<store::HeldStore>> held =
        store::make_held_store(*assembly->worker_, assembly->state_);
    if (!held) {
        return failure(held.error());
    }
    assembly->held_ = std::move(*held);
    assembly->log_ = std::move(log);
    assembly->connector_ = net::make_connector(loop);
    assembly->memory_ = std::make_unique<engine::MemoryBudget>(loop, config.limits.memory);
    assembly->services_ = std::make_unique<engine::Services>(
        engine::Services{loop, *assembly->ledger_, *assembly->held_, *assembly->memory_,
                         *assembly->log_, own_host_name()});
    for (const auto& [name, destination] : config.destinations) {
        assembly->make_outlet(destination);
    }
    return assembly;
}

void Assembly::make_outlet(const config::DestinationConfig& destination) {
    std::random_device entropy;
    outlets_[destination.name] = std::make_shared<Outlet>(
        services_->loop, destination.name, make_sink(destination), entropy(),
        destination.holds_ambiguous ? engine::OnAmbiguous::hold : engine::OnAmbiguous::redeliver);
}

void Assembly::reconfigure(const config::Config& from, const config::Config& to) {
    memory_->resize(to.limits.memory);
    for (const auto& [name, destination] : from.destinations) {
        if (to.destinations.count(name) == 0) {
            outlets_.erase(name);
        }
    }
    for (const auto& [name, destination] : to.destinations) {
        const auto before = from.destinations.find(name);
        if (before == from.destinations.end() || is_other(before->second, destination)) {
            make_outlet(destination);
        }
    }
}

std::shared_ptr<sink::MailSink> Assembly::sink(const std::string& name) const {
    const auto found = outlets_.find(name);
    return found == outlets_.end()
               ? nullptr
               : std::shared_ptr<sink::MailSink>(found->second, &found->second->sink);
}

std::unique_ptr<sink::MailSink> Assembly::make_sink(const config::DestinationConfig& destination) {
    switch (destination.type) {
        case config::DestinationType::smtp:
        case config::DestinationType::lmtp:
            break;
        case config::DestinationType::maildir:
            return sink::make_maildir_sink(*worker_, maildir_settings(destination));
        case config::DestinationType::command:
            return sink::make_command_sink(
                services_->loop, *worker_, *log_,
                command_settings(destination, config::Environment::of_process()));
    }
    sink::SmtpSettings settings = smtp_settings(destination, services_->own_host);
    settings.listener = traces_.get();
    return sink::make_smtp_sink(services_->loop, *login_worker_, *connector_, std::move(settings));
}

std::unique_ptr<source::SourceFactory> Assembly::make_source(
    const config::AccountConfig& account, std::shared_ptr<pop3::Transcript> transcript) {
    mail::Spool spool;
    spool.directory = state_.spool_path();
    source::Pop3Settings settings = pop3_settings(account, spool);
    settings.transcript = std::move(transcript);
    return make_account_source({services_->loop, *login_worker_, *connector_, log_.get()}, account,
                               std::move(settings));
}

std::size_t Assembly::held_copies() const {
    const auto names = names_in(state_.descriptor(), "held/new", "cannot read the held messages");
    return names ? names->size() : 0;
}

std::unique_ptr<Log> make_command_log(const config::LogConfig& config) {
    const LogLevel level =
        config.level == LogLevel::debug ? LogLevel::debug : std::max(config.level, LogLevel::warn);
    return make_stderr_log(level, config.format);
}

std::string own_host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) {
        name[0] = '\0';
    }
    return safe_host_name(name.data());
}

}  // namespace postrider::app
