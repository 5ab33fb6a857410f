// The SSL_CTX of the program: what is asked of every TLS connection.
#include <cerrno>
#include <stdexcept>
#include <utility>

#include <openssl/err.h>
#include <sys/stat.h>

#include "postrider/base/text.h"

#include "net/tls_channel.h"

namespace postrider::net {
namespace {

/// Which file, and when it was changed; empty if there is none.
std::string stamp_of(const std::string& path) {
    struct stat file {};
    if (path.empty() || ::stat(path.c_str(), &file) != 0) {
        return {};
    }
    return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino) + ":" +
           std::to_string(file.st_size) + ":" + std::to_string(file.st_mtim.tv_sec) + "." +
           std::to_string(file.st_mtim.tv_nsec);
}

std::string openssl_reason() {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason == nullptr ? "unknown fault" : reason;
}

Expected<void> load_trust(SSL_CTX& context, const std::string& ca_file) {
    ERR_clear_error();
    if (ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(&context) != 1) {
            return failure(Errc::tls, Retry::never,
                           "the system's trust store cannot be read: " + openssl_reason());
        }
        return {};
    }
    if (SSL_CTX_load_verify_file(&context, ca_file.c_str()) != 1) {
        return failure(Errc::tls, Retry::never,
                       "tls_ca_file " + escaped(ca_file) +
                           " cannot be used as PEM certificates: " + openssl_reason());
    }
    // Whoever names a certificate means it: an intermediate or the server's own is as good as the
    // root above it.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(&context), X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

SslCtxPtr make_context() {
    SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
        return nullptr;
    }
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 0);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, TlsChannel::on_verified);
    SSL_CTX_set_cert_verify_callback(context.get(), TlsChannel::on_certificate, nullptr);
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), TlsChannel::on_new_session);
    return context;
}

}  // namespace

TlsTrusts::TlsTrusts() {
    BioMethodPtr method = make_socket_bio_method();
    if (method == nullptr || make_context() == nullptr) {
        throw std::runtime_error("OpenSSL cannot start: " + openssl_reason());
    }
    bio_method_ = std::shared_ptr<BIO_METHOD>(method.release(), BIO_meth_free);
}

Expected<std::shared_ptr<TlsTrust>> TlsTrusts::find(const std::string& ca_file) {
    const std::string stamp = stamp_of(ca_file);
    if (!ca_file.empty() && stamp.empty()) {
        return failure(Errc::tls, Retry::never,
                       "tls_ca_file " + escaped(ca_file) + ": " + errno_text(errno));
    }
    const auto known = by_file_.find(ca_file);
    if (known != by_file_.end() && known->second.stamp == stamp) {
        return known->second.trust;
    }
    auto trust = std::make_shared<TlsTrust>();
    trust->bio_method = bio_method_;
    trust->context = make_context();
    if (trust->context == nullptr) {
        return failure(Errc::tls, Retry::later, "OpenSSL: " + openssl_reason());
    }
    if (auto loaded = load_trust(*trust->context, ca_file); !loaded) {
        return failure(std::move(loaded.error()));
    }
    by_file_[ca_file] = {stamp, trust};
    return trust;
}

}  // namespace postrider::net
