#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/net/stream.h"
#include "postrider/net/tls.h"

#include "net/openssl_ptr.h"
#include "net/socket.h"
#include "net/socket_bio.h"
#include "net/tls_sessions.h"

namespace postrider::net {

/// What the channels of one trust store share: its SSL_CTX and the sessions made under it.
struct TlsTrust {
    SslCtxPtr context;
    std::shared_ptr<const BIO_METHOD> bio_method;  ///< owners: TlsTrusts and each of its TlsTrust
    TlsSessions sessions;
};

/// TLS over one connected socket, as a client: handshake, then bytes. It moves bytes only when
/// asked, and tells the loop nothing.
class TlsChannel {
  public:
    /// Does not own `fd`. `trust` is owned by its cache and by the channels that use it.
    [[nodiscard]] static Expected<std::unique_ptr<TlsChannel>> make(std::shared_ptr<TlsTrust> trust,
                                                                    int fd,
                                                                    const TlsSettings& settings);

    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;
    /// Sends a close_notify if the connection is in order; never waits.
    ~TlsChannel();

    /// One step; `ok` when it is complete. The reason of `failed` is error().
    [[nodiscard]] IoStatus handshake();
    [[nodiscard]] bool is_established() const { return is_established_; }

    /// `end` only after a close_notify. The reason of `failed` is error().
    [[nodiscard]] IoResult read(std::span<char> into);
    [[nodiscard]] IoResult write(std::string_view bytes);

    /// Decrypted bytes that wait inside OpenSSL, where the socket's readiness does not show them.
    [[nodiscard]] bool has_pending() const { return SSL_pending(ssl_.get()) > 0; }

    /// The stream is being cut off: no close_notify that would vouch for it.
    void abandon() { has_failed_ = true; }

    [[nodiscard]] const Error& error() const { return error_; }

    /// Nonzero once the peer takes no more bytes. What it said before may still be read.
    [[nodiscard]] int write_error() const { return bio_state_.write_error; }

    [[nodiscard]] bool is_resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    [[nodiscard]] std::string description() const;  ///< "TLSv1.3 TLS_AES_256_GCM_SHA384"
    [[nodiscard]] ChannelBinding channel_binding(BindingKind kind) const;

    /// Callbacks of OpenSSL, set on the SSL_CTX.
    static int on_new_session(SSL* ssl, SSL_SESSION* session);
    static int on_verified(int is_good, X509_STORE_CTX* context);
    static int on_certificate(X509_STORE_CTX* context, void* unused);

  private:
    TlsChannel(std::shared_ptr<TlsTrust> trust, int fd, TlsSettings settings);
    [[nodiscard]] Expected<void> prepare();
    [[nodiscard]] bool set_wanted_name();
    [[nodiscard]] Expected<void> load_client_certificate();
    [[nodiscard]] static TlsChannel& channel_of(X509_STORE_CTX* context);
    [[nodiscard]] std::string sessions_key() const;

    [[nodiscard]] IoStatus status_of(int result);
    void note_failure(int ssl_error);
    [[nodiscard]] Error handshake_failure(int ssl_error) const;
    [[nodiscard]] Error network_failure() const;

    std::shared_ptr<TlsTrust> trust_;
    TlsSettings settings_;
    SocketBioState bio_state_;
    SslPtr ssl_;
    bool is_established_ = false;
    bool has_failed_ = false;
    std::string certificate_fault_;  ///< set by the verification that failed
    Error error_;
};

/// The TlsTrusts by ca_file. A file that has changed since is read again; sessions made under the
/// old one are not resumed under the new one.
class TlsTrusts {
  public:
    /// Throws std::runtime_error if OpenSSL cannot start.
    TlsTrusts();

    /// Errc::tls, Retry::never if the file cannot be used.
    [[nodiscard]] Expected<std::shared_ptr<TlsTrust>> find(const std::string& ca_file);

  private:
    struct Entry {
        std::string stamp;  ///< identity and date of the file that was read
        std::shared_ptr<TlsTrust> trust;
    };

    std::shared_ptr<const BIO_METHOD> bio_method_;
    std::unordered_map<std::string, Entry> by_file_;
};

}  // namespace postrider::net
