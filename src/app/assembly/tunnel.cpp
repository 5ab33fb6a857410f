#include "app/assembly/tunnel.h"

#include <utility>

#include "postrider/config/environment.h"
#include "postrider/net/command_connector.h"
#include "postrider/source/pop3_source.h"

#include "app/assembly/settings.h"

namespace postrider::app {

namespace {

/// Sessions of an account whose connections are programs.
class TunnelledSource final : public source::SourceFactory {
  public:
    TunnelledSource(const SourceTools& tools, std::unique_ptr<net::Connector> connector,
                    source::Pop3Settings settings)
        : connector_(std::move(connector)),
          source_(source::make_pop3_source(tools.loop, tools.worker, *connector_,
                                           std::move(settings))) {}

    std::unique_ptr<source::MailSource> open(source::SourceEvents& events,
                                             const source::Quirks& quirks) override {
        return source_->open(events, quirks);
    }
    [[nodiscard]] std::string host() const override { return source_->host(); }

  private:
    std::unique_ptr<net::Connector> connector_;
    std::unique_ptr<source::SourceFactory> source_;
};

}  // namespace

std::unique_ptr<source::SourceFactory> make_account_source(const SourceTools& tools,
                                                           const config::AccountConfig& account,
                                                           source::Pop3Settings settings) {
    if (account.transport_command.empty()) {
        return source::make_pop3_source(tools.loop, tools.worker, tools.connector,
                                        std::move(settings));
    }
    net::CommandTransport transport = command_transport(account, config::Environment::of_process());
    if (tools.log != nullptr) {
        transport.said = [log = tools.log, name = account.name](std::string_view line) {
            log->info("program said", {{"account", name}, {"line", line}});
        };
    }
    return std::make_unique<TunnelledSource>(
        tools, net::make_command_connector(tools.loop, tools.worker, std::move(transport)),
        std::move(settings));
}

}  // namespace postrider::app
