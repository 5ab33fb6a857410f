#include "postrider/source/pop3_source.h"

#include <utility>

#include "source/pop3_session.h"

namespace postrider::source {

namespace {

class Pop3SourceFactory : public SourceFactory {
  public:
    Pop3SourceFactory(event::Loop& loop, event::Worker& worker, net::Connector& connector,
                      Pop3Settings settings)
        : loop_(loop), worker_(worker), connector_(connector), settings_(std::move(settings)) {}

    std::unique_ptr<MailSource> open(SourceEvents& events, const Quirks& quirks) override {
        return std::make_unique<Pop3Session>(loop_, worker_, connector_, settings_, events, quirks);
    }

    [[nodiscard]] std::string host() const override { return settings_.endpoint.host; }

  private:
    event::Loop& loop_;
    event::Worker& worker_;
    net::Connector& connector_;
    Pop3Settings settings_;
};

}  // namespace

std::unique_ptr<SourceFactory> make_pop3_source(event::Loop& loop, event::Worker& worker,
                                                net::Connector& connector, Pop3Settings settings) {
    return std::make_unique<Pop3SourceFactory>(loop, worker, connector, std::move(settings));
}

}  // namespace postrider::source
