#include "net/tls_channel.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

#include "net/address.h"
#include "net/certificate_fault.h"
#include "net/channel_binding.h"
#include "net/tls_limits.h"

namespace postrider::net {
namespace {

/// The absolute form "pop.example." of a name is a matter of the resolver; no certificate has it.
std::string without_trailing_dot(std::string name) {
    if (name.size() > 1 && name.back() == '.') {
        name.pop_back();
    }
    return name;
}

/// SSL_set_tlsext_host_name() without its C cast.
bool set_sni(SSL& ssl, std::string& name) {
    return SSL_ctrl(&ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) ==
           1;
}

}  // namespace

Expected<std::unique_ptr<TlsChannel>> TlsChannel::make(std::shared_ptr<TlsTrust> trust, int fd,
                                                       const TlsSettings& settings) {
    std::unique_ptr<TlsChannel> channel(new TlsChannel(std::move(trust), fd, settings));
    if (auto prepared = channel->prepare(); !prepared) {
        return failure(std::move(prepared.error()));
    }
    return channel;
}

TlsChannel::TlsChannel(std::shared_ptr<TlsTrust> trust, int fd, TlsSettings settings)
    : trust_(std::move(trust)),
      settings_(std::move(settings)),
      ssl_(SSL_new(trust_->context.get())) {
    settings_.server_name = without_trailing_dot(std::move(settings_.server_name));
    bio_state_.fd = fd;
}

TlsChannel::~TlsChannel() {
    if (is_established_ && !has_failed_ && bio_state_.write_error == 0) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }
}

Expected<void> TlsChannel::prepare() {
    ERR_clear_error();
    if (settings_.server_name.empty()) {
        return failure(Errc::tls, Retry::never, "no host name to verify the certificate against");
    }
    BioPtr bio = make_socket_bio(*trust_->bio_method, bio_state_);
    if (ssl_ == nullptr || bio == nullptr) {
        return failure(Errc::tls, Retry::later, "OpenSSL: out of memory");
    }
    SSL_set_bio(ssl_.get(), bio.get(), bio.get());  // one reference for both directions
    static_cast<void>(bio.release());
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_connect_state(ssl_.get());
    if (!set_wanted_name()) {
        return failure(Errc::tls, Retry::never,
                       escaped(settings_.server_name) + " is no host name that TLS can verify");
    }
    if (auto limited = apply_tls_limits(*ssl_, settings_); !limited) {
        return limited;
    }
    if (auto loaded = load_client_certificate(); !loaded) {
        return loaded;
    }
    if (!settings_.session_key.empty()) {
        const SslSessionPtr session = trust_->sessions.take(sessions_key());
        if (session != nullptr) {
            SSL_set_session(ssl_.get(), session.get());
        }
    }
    return {};
}

Expected<void> TlsChannel::load_client_certificate() {
    const std::string& certificate = settings_.client_certificate;
    if (certificate.empty()) {
        return {};
    }
    const auto unusable = [](std::string_view key, const std::string& file) {
        const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
        return failure(Errc::config, Retry::never,
                       fmt::format("{} {} cannot be used: {}", key, escaped(file),
                                   reason == nullptr ? "unknown fault" : reason));
    };
    // OpenSSL would else ask for a passphrase at the terminal.
    SSL_set_default_passwd_cb(ssl_.get(), [](char*, int, int, void*) { return -1; });
    if (SSL_use_certificate_chain_file(ssl_.get(), certificate.c_str()) != 1) {
        return unusable("tls_client_certificate", certificate);
    }
    if (SSL_use_PrivateKey_file(ssl_.get(), settings_.client_key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return unusable("tls_client_key", settings_.client_key);
    }
    return {};
}

bool TlsChannel::set_wanted_name() {
    std::string& name = settings_.server_name;
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_.get());
    if (Address::from_literal(name, 0)) {
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
    }
    // RFC 9525: names in the Subject Alternative Name only, a wildcard is a whole label.
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) == 1 &&
           set_sni(*ssl_, name);
}

std::string TlsChannel::sessions_key() const {
    // A resumed session brings no certificate: it counts only for what it was verified for.
    std::string key = settings_.session_key + '\0' + to_lower(settings_.server_name);
    for (const std::string& pin : settings_.pins) {
        key += '\0' + pin;
    }
    return key + (settings_.pins_and_authorities ? "\0and" : "");
}

TlsChannel& TlsChannel::channel_of(X509_STORE_CTX* context) {
    void* ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    return *static_cast<TlsChannel*>(SSL_get_app_data(static_cast<SSL*>(ssl)));
}

int TlsChannel::on_new_session(SSL* ssl, SSL_SESSION* session) {
    auto& channel = *static_cast<TlsChannel*>(SSL_get_app_data(ssl));
    if (!channel.settings_.session_key.empty()) {
        channel.trust_->sessions.keep(channel.sessions_key(), *session);
    }
    return 0;  // the session stays OpenSSL's
}

int TlsChannel::on_verified(int is_good, X509_STORE_CTX* context) {
    if (is_good == 0) {
        TlsChannel& channel = channel_of(context);
        channel.certificate_fault_ = explain_certificate_fault(*context, channel.settings_);
    }
    return is_good;
}

/// In place of OpenSSL's verification: a pin may be all that is asked for.
int TlsChannel::on_certificate(X509_STORE_CTX* context, void* /*unused*/) {
    TlsChannel& channel = channel_of(context);
    const auto& pins = channel.settings_.pins;
    if (!pins.empty()) {
        const X509& leaf = *X509_STORE_CTX_get0_cert(context);
        if (std::find(pins.begin(), pins.end(), key_pin(leaf)) == pins.end()) {
            channel.certificate_fault_ = explain_other_key(leaf);
            X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_REJECTED);
            return 0;
        }
        if (!channel.settings_.pins_and_authorities) {
            X509_STORE_CTX_set_error(context, X509_V_OK);
            return 1;
        }
    }
    return X509_verify_cert(context);
}

IoStatus TlsChannel::handshake() {
    POSTRIDER_ASSERT(!is_established_);
    ERR_clear_error();
    const IoStatus status = status_of(SSL_do_handshake(ssl_.get()));
    if (status == IoStatus::ok && SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
        // No cipher we offer comes without one; but then there was nothing to verify.
        certificate_fault_ = "the server has shown no certificate";
        note_failure(SSL_ERROR_SSL);
        return IoStatus::failed;
    }
    is_established_ = status == IoStatus::ok;
    return status;
}

IoResult TlsChannel::read(std::span<char> into) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    return {status_of(result), count, 0};
}

IoResult TlsChannel::write(std::string_view bytes) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return {status_of(result), count, 0};
}

std::string TlsChannel::description() const {
    return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get());
}

ChannelBinding TlsChannel::channel_binding(BindingKind kind) const {
    return channel_binding_of(*ssl_, kind);
}

IoStatus TlsChannel::status_of(int result) {
    if (result == 1) {
        return IoStatus::ok;
    }
    const int ssl_error = SSL_get_error(ssl_.get(), result);
    switch (ssl_error) {
        case SSL_ERROR_WANT_READ:
            return IoStatus::want_read;
        case SSL_ERROR_WANT_WRITE:
            return IoStatus::want_write;
        case SSL_ERROR_ZERO_RETURN:
            if (is_established_) {
                return IoStatus::end;
            }
            break;
        default:
            break;  // an int of OpenSSL: everything else is a failure
    }
    note_failure(ssl_error);
    return IoStatus::failed;
}

void TlsChannel::note_failure(int ssl_error) {
    has_failed_ = true;
    if (!is_established_) {
        error_ = handshake_failure(ssl_error);
        // A session that was offered may be why: the next attempt starts afresh.
        trust_->sessions.forget(sessions_key());
    } else if (bio_state_.saw_end) {
        error_ = {Errc::tls, Retry::later,
                  "the connection ended without a TLS close_notify: it may have been cut off"};
    } else if (bio_state_.read_error != 0 || bio_state_.write_error != 0) {
        error_ = network_failure();
    } else {
        const char* reason = ERR_reason_error_string(ERR_peek_error());
        error_ = {Errc::tls, Retry::later,
                  std::string("TLS: ") + (reason == nullptr ? "unknown fault" : reason)};
    }
}

Error TlsChannel::network_failure() const {
    return network_error(bio_state_.read_error != 0 ? bio_state_.read_error
                                                    : bio_state_.write_error);
}

Error TlsChannel::handshake_failure(int ssl_error) const {
    const std::string with = "TLS with " + escaped(settings_.server_name);
    if (!certificate_fault_.empty()) {
        return {Errc::tls, Retry::never, with + ": " + certificate_fault_};
    }
    if (bio_state_.saw_end || ssl_error == SSL_ERROR_ZERO_RETURN) {
        return {Errc::network, Retry::later,
                with + ": the server closed the connection during the handshake"};
    }
    if (bio_state_.read_error != 0 || bio_state_.write_error != 0) {
        return network_failure().in(with);
    }
    const unsigned long code = ERR_peek_error();
    switch (ERR_GET_REASON(code)) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
            return {Errc::tls, Retry::later,
                    with +
                        ": the answer is not TLS: check the port, and which tls it is for "
                        "(implicit or starttls)"};
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return {Errc::tls, Retry::never,
                    fmt::format("{}: the server knows no TLS version from {} on "
                                "(tls_min_version)",
                                with, version_name(settings_.min_version))};
        case SSL_R_DH_KEY_TOO_SMALL:
        case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        case SSL_R_NO_CIPHERS_AVAILABLE:
        case SSL_R_NO_PROTOCOLS_AVAILABLE:
            return {Errc::tls, Retry::never,
                    fmt::format("{}: {}; the server may be too old for what is asked of it "
                                "(tls_security_level, tls_ciphers, tls_min_version)",
                                with, ERR_reason_error_string(code))};
        default:
            break;  // an int of OpenSSL: the others explain themselves
    }
    const char* reason = ERR_reason_error_string(code);
    return {Errc::tls, Retry::later, with + ": " + (reason == nullptr ? "unknown fault" : reason)};
}

}  // namespace postrider::net
