// The connector of the program: resolver -> race of addresses -> proxy -> TLS, under one deadline.
#include "postrider/net/connector.h"

#include <optional>
#include <string>
#include <utility>

#include "postrider/base/text.h"

#include "net/connect_race.h"
#include "net/connector_parts.h"
#include "net/proxy_dialogue.h"
#include "net/socket_stream.h"

namespace postrider::net {
namespace {

/// What the connects of one connector share. It outlives them.
struct Parts {
    event::Loop& loop;
    std::unique_ptr<Resolver> resolver;
    std::shared_ptr<TlsTrusts> trusts;  ///< owners: the connector and its streams
};

/// One connect under way.
///
///     resolving -> racing -> asking the proxy -> securing -> (done)
///         |_________________________________________________^   any failure, or the deadline
class Connecting final : public event::Operation, private StreamEvents {
  public:
    Connecting(Parts& parts, ConnectRequest request, ConnectDone done)
        : parts_(parts),
          request_(std::move(request)),
          done_(std::move(done)),
          begin_(parts.loop.make_timer([this] { begin(); })),
          deadline_(parts.loop.make_timer([this] { on_deadline(); })) {
        begin_->arm(Duration::zero());
        deadline_->arm(request_.deadline);
    }

  private:
    /// The host that the socket goes to.
    [[nodiscard]] const Endpoint& first_stop() const {
        return request_.via.proxy ? request_.via.proxy->endpoint : request_.endpoint;
    }

    void begin() {
        const Endpoint& endpoint = first_stop();
        const auto known = endpoint.is_unix() ? Address::from_unix_path(endpoint.unix_path)
                                              : Address::from_literal(endpoint.host, endpoint.port);
        if (known) {
            race({*known}, ConnectRace::Naming::reasons_only);
        } else if (endpoint.is_unix()) {
            fail({Errc::network, Retry::never, "the path is too long for a socket"});
        } else {
            lookup_ = parts_.resolver->resolve(
                endpoint.host, endpoint.port,
                [this](Expected<Addresses> found) { on_resolved(std::move(found)); });
        }
    }

    void on_resolved(Expected<Addresses> found) {
        if (!found) {
            fail(found.error());
            return;
        }
        const IpVersion version = request_.via.ip_version;
        const Addresses eligible = chosen(*found, version);
        if (eligible.empty()) {
            fail({Errc::dns, Retry::later,
                  std::string("has no address of IPv") +
                      (version == IpVersion::only_4 ? "4" : "6") + ", and no other is wanted"});
            return;
        }
        race(interleaved(eligible), ConnectRace::Naming::addresses);
    }

    void race(const Addresses& addresses, ConnectRace::Naming naming) {
        const std::string& source = request_.via.source_address;
        race_ = std::make_unique<ConnectRace>(
            parts_.loop, addresses,
            source.empty() || first_stop().is_unix() ? std::nullopt
                                                     : Address::from_literal(source, 0),
            naming,
            [this](Expected<ConnectRace::Winner> winner) { on_connected(std::move(winner)); });
    }

    void on_connected(Expected<ConnectRace::Winner> winner) {
        if (!winner) {
            fail(winner.error());
            return;
        }
        stream_ = std::make_unique<SocketStream>(parts_.loop, std::move(winner->socket),
                                                 winner->address.to_text(), parts_.trusts);
        if (request_.via.proxy) {
            stream_->set_proxied();
            dialogue_.emplace(*request_.via.proxy, request_.endpoint);
            stream_->write(dialogue_->take_output());
            stream_->attach(this);
        } else {
            secure();
        }
    }

    void on_input() override {
        const auto taken = dialogue_->take(stream_->input());
        if (!taken) {
            fail_at_proxy(taken.error());
            return;
        }
        stream_->consume(*taken);
        if (dialogue_->is_done()) {
            stream_->attach(nullptr);
            secure();
        } else {
            stream_->write(dialogue_->take_output());
        }
    }
    void on_output_low() override {}
    void on_closed(const Error& why) override { fail_at_proxy(why); }

    void fail_at_proxy(const Error& error) {
        fail(error.in("proxy " + escaped(first_stop().to_text())));
    }

    void secure() {
        if (!request_.tls) {
            finish(std::move(stream_));
            return;
        }
        TlsSettings settings = *request_.tls;
        if (settings.server_name.empty()) {
            settings.server_name = request_.endpoint.host;
        }
        auto done = [this](Expected<void> secured) {
            if (secured) {
                finish(std::move(stream_));
            } else {
                fail(secured.error());
            }
        };
        if (request_.via.proxy) {
            // What the proxy's answer was followed by is no part of it.
            stream_->start_tls(settings, std::move(done));
        } else {
            stream_->begin_tls(settings, std::move(done));
        }
    }

    void on_deadline() {
        std::string where = "looking up the address";
        if (dialogue_ && !dialogue_->is_done()) {
            where = "asking the proxy " + escaped(first_stop().to_text());
        } else if (stream_ != nullptr) {
            where = "in the TLS handshake";
        } else if (race_ != nullptr) {
            where = "connecting (" + race_->report() + ")";
        }
        fail({Errc::timed_out, Retry::later,
              "no connection within " + postrider::to_text(request_.deadline) + ", " + where});
    }

    void fail(Error error) {
        if (request_.via.proxy && stream_ == nullptr) {
            error = error.in("proxy " + escaped(first_stop().to_text()));
        }
        finish(failure(error.in(escaped(request_.endpoint.to_text()))));
    }

    void finish(Expected<std::unique_ptr<ByteStream>> outcome) {
        deadline_->disarm();
        const ConnectDone done = std::exchange(done_, nullptr);
        done(std::move(outcome));
    }

    Parts& parts_;
    ConnectRequest request_;
    ConnectDone done_;
    std::unique_ptr<event::Operation> lookup_;
    std::unique_ptr<ConnectRace> race_;
    std::unique_ptr<SocketStream> stream_;
    std::optional<ProxyDialogue> dialogue_;  ///< refers to the request
    std::unique_ptr<event::Timer> begin_;
    std::unique_ptr<event::Timer> deadline_;
};

class SocketConnector final : public Connector {
  public:
    SocketConnector(event::Loop& loop, std::unique_ptr<Resolver> resolver)
        : parts_{loop, std::move(resolver), std::make_shared<TlsTrusts>()} {}

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const ConnectRequest& request,
                                                            ConnectDone done) override {
        return std::make_unique<Connecting>(parts_, request, std::move(done));
    }

    [[nodiscard]] std::size_t open_streams() const override {
        return static_cast<std::size_t>(parts_.trusts.use_count()) -
               1;  // each stream owns them, too
    }

  private:
    Parts parts_;
};

}  // namespace

std::unique_ptr<Connector> make_connector_with(event::Loop& loop,
                                               std::unique_ptr<Resolver> resolver) {
    return std::make_unique<SocketConnector>(loop, std::move(resolver));
}

std::unique_ptr<Connector> make_connector(event::Loop& loop) {
    return make_connector_with(loop, make_ares_resolver(loop));
}

}  // namespace postrider::net
