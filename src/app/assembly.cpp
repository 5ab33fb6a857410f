#include "app/assembly.h"

#include <algorithm>
#include <array>
#include <random>

#include <unistd.h>

#include "postrider/store/maildir_held_store.h"

#include "app/settings.h"

namespace postrider::app {

namespace {

/// For fsync of held copies; the ledger has its own threads.
constexpr std::size_t kWorkerThreads = 2;

}  // namespace

Expected<std::unique_ptr<Assembly>> Assembly::make(event::Loop& loop, const config::Config& config,
                                                   const store::LedgerOptions& options) {
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
    assembly->ledger_ = std::move(*ledger);
    assembly->worker_ = event::make_thread_worker(loop, kWorkerThreads);
    assembly->login_worker_ = event::make_thread_worker(loop, kLoginThreads);
    Expected<std::unique_ptr<store::HeldStore>> held =
        store::make_held_store(*assembly->worker_, assembly->state_);
    if (!held) {
        return failure(held.error());
    }
    assembly->held_ = std::move(*held);
    // A person who runs a command sees its summary; every message's line only if asked for.
    const LogLevel level = config.log.level == LogLevel::debug
                               ? LogLevel::debug
                               : std::max(config.log.level, LogLevel::warn);
    assembly->log_ = make_stderr_log(level, config.log.format);
    assembly->connector_ = net::make_connector(loop);
    assembly->memory_ = std::make_unique<engine::MemoryBudget>(loop, config.limits.memory);
    assembly->services_ = std::make_unique<engine::Services>(
        engine::Services{loop, *assembly->ledger_, *assembly->held_, *assembly->memory_,
                         *assembly->log_, own_host_name()});
    assembly->make_destinations(loop, config);
    return assembly;
}

void Assembly::make_destinations(event::Loop& loop, const config::Config& config) {
    std::random_device entropy;
    for (const auto& [name, destination] : config.destinations) {
        sinks_[name] = make_sink(loop, destination);
        destinations_[name] = std::make_unique<engine::Destination>(name, *sinks_[name], entropy());
    }
}

std::unique_ptr<sink::MailSink> Assembly::make_sink(event::Loop& loop,
                                                    const config::DestinationConfig& destination) {
    switch (destination.type) {
        case config::DestinationType::smtp:
        case config::DestinationType::lmtp:
            break;
        case config::DestinationType::maildir:
            return sink::make_maildir_sink(*worker_, maildir_settings(destination));
        case config::DestinationType::command:
            return sink::make_command_sink(
                loop, *worker_, *log_,
                command_settings(destination, config::Environment::of_process()));
    }
    return sink::make_smtp_sink(loop, *connector_, smtp_settings(destination, services_->own_host));
}

std::unique_ptr<source::SourceFactory> Assembly::make_source(const config::AccountConfig& account) {
    mail::Spool spool;
    spool.directory = state_.spool_path();
    return source::make_pop3_source(services_->loop, *login_worker_, *connector_,
                                    pop3_settings(account, spool));
}

std::string own_host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) {
        name[0] = '\0';
    }
    return safe_host_name(name.data());
}

}  // namespace postrider::app
