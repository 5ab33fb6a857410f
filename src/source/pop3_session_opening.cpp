// The way of a session up to where the server speaks: token, connection, TLS; and what a login
// needs meanwhile.
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "source/pop3_session.h"

namespace postrider::source {

namespace {

pop3::Settings dialogue_settings(const Pop3Settings& settings, const Quirks& quirks,
                                 const Secret& token) {
    return {.use_stls = settings.tls == TlsMode::starttls,
            .encrypted = settings.tls == TlsMode::implicit,
            .pipelining = settings.pipelining && !quirks.no_pipelining,
            .lists_first = quirks.is_new,
            .ask_capa = !quirks.no_capa,
            .utf8 = settings.utf8,
            .lang = settings.lang,
            .fetch_with_top = settings.fetch_with_top,
            .auth = settings.auth,
            .user = settings.user,
            .password = settings.password,
            .token = token,
            .has_client_certificate = !settings.tls_settings.client_certificate.empty(),
            .host = settings.endpoint.host,
            .port = settings.endpoint.port,
            .transcript = settings.transcript.get()};
}

}  // namespace

void Pop3Session::start() {
    session_deadline_->arm(settings_.timeouts.session);
    if (settings_.fetch_token) {
        fetch_token();
    } else {
        connect();
    }
}

std::unique_ptr<pop3::Dialogue> Pop3Session::make_dialogue() const {
    Quirks quirks = quirks_;
    quirks.no_capa = is_without_capa_;
    return std::make_unique<pop3::Dialogue>(dialogue_settings(settings_, quirks, token_));
}

/// Before the connection: no server waits for it, and no login runs into its deadline.
void Pop3Session::fetch_token() {
    // Owners: the job and its completion, of which either may be dropped first.
    const auto token = std::make_shared<Expected<Secret>>();
    working_ = worker_.run([fetch = settings_.fetch_token, token] { *token = fetch(); },
                           [this, token] {
                               if (!*token) {
                                   end(token->error());
                                   return;
                               }
                               token_ = std::move(**token);
                               dialogue_ = make_dialogue();
                               connect();
                           });
}

/// As many iterations as a server may ask for take seconds: other accounts go on meanwhile (P-015).
void Pop3Session::derive_key(const sasl::KeyRequest& request) {
    // Owners: the job and its completion, of which either may be dropped first.
    const auto key = std::make_shared<Secret>();
    working_ = worker_.run([request, key] { *key = sasl::derive_key(request); },
                           [this, key] {
                               dialogue_->key_derived(*key);
                               send_output();
                           });
}

void Pop3Session::bind_channel() {
    net::ChannelBinding binding = stream_->channel_binding(settings_.channel_binding);
    dialogue_->bind_channel({std::move(binding.name), std::move(binding.octets)});
}

/// May the stream as it is now carry what is secret? A name of this machine is no proof that it is
/// this machine that was reached.
Expected<void> Pop3Session::check_protection() const {
    if (settings_.tls != TlsMode::none) {
        if (!stream_->is_encrypted()) {
            return failure(Errc::tls, Retry::later, "the connection is not under TLS");
        }
        return {};
    }
    const net::PeerInfo peer = stream_->peer();
    if (settings_.allow_cleartext || net::is_on_this_machine(peer)) {
        return {};
    }
    return failure(Errc::config, Retry::never,
                   fmt::format("the server is at {}, which is not this machine: with tls: none the "
                               "password would be shown to the network; only with "
                               "allow_cleartext: true",
                               peer.address));
}

void Pop3Session::note_connected() const {
    const net::PeerInfo peer = stream_->peer();
    note("connected to " + peer.address + (peer.tls.empty() ? ", without TLS" : ", " + peer.tls));
}

void Pop3Session::connect() {
    note("connecting to " + settings_.endpoint.to_text());
    net::ConnectRequest request;
    request.endpoint = settings_.endpoint;
    request.via = settings_.via;
    request.deadline = settings_.timeouts.connect;
    if (settings_.tls == TlsMode::implicit) {
        request.tls = settings_.tls_settings;
        request.deadline += settings_.timeouts.tls;
    }
    connecting_ =
        connector_.connect(request, [this](Expected<std::unique_ptr<net::ByteStream>> stream) {
            on_connected(std::move(stream));
        });
}

void Pop3Session::on_connected(Expected<std::unique_ptr<net::ByteStream>> stream) {
    if (!stream) {
        end(stream.error());
        return;
    }
    stream_ = std::move(*stream);
    note_connected();
    if (settings_.tls != TlsMode::starttls) {
        if (const auto is_protected = check_protection(); !is_protected) {
            end(is_protected.error());
            return;
        }
    }
    if (settings_.tls == TlsMode::none) {
        dialogue_->allow_cleartext();
    }
    bind_channel();
    stream_->attach(this);
    watch_progress();
}

void Pop3Session::upgrade_to_tls() {
    watch_progress();
    stream_->start_tls(settings_.tls_settings, [this](const Expected<void>& secured) {
        const Expected<void> is_protected = secured ? check_protection() : secured;
        if (!is_protected) {
            end(is_protected.error());
            return;
        }
        note_connected();
        bind_channel();
        dialogue_->tls_started();
        send_output();
    });
}

/// Some old servers hang up on what they do not know (P-007).
void Pop3Session::reconnect_without_capa() {
    is_without_capa_ = true;
    note("the server has hung up on CAPA: once more, without it");
    progress_deadline_->disarm();
    keep_alive_->disarm();
    stream_.reset();
    dialogue_ = make_dialogue();
    connect();
}

}  // namespace postrider::source
